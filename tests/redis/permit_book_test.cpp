#include "redis/permit_book.hpp"

#include <doctest/doctest.h>

#include <utility>
#include <vector>

using namespace orggate;
using redis::PermitBook;
using Fate = PermitBook::Fate;

namespace {

const limit::Terms terms{.algorithm = limit::Algorithm::concurrent, .units = 3};
const std::string key = "og:c1:{org}:api-concurrent";

struct Book : PermitBook {
    void asked() { ask(key, terms, 7); }
    std::int64_t told()
    {
        auto* holding = find(key);
        return holding ? to_tell(*holding) : -1;
    }
    // What a reminder says, and the store hears.
    std::vector<std::int64_t> reminded()
    {
        std::vector<std::int64_t> counts;
        for (const auto& of : to_remind()) {
            CHECK(of == key);
            CHECK(find(of)->slot == 7);
            counts.push_back(told());
            heard(of, told());
        }
        return counts;
    }
};

using Counts = std::vector<std::int64_t>;

}  // namespace

TEST_CASE("what is on its way counts as held, or the store would be told too few")
{
    Book book;
    book.asked();
    CHECK(book.told() == 1);
    book.asked();
    CHECK_FALSE(book.answered(key, Fate::granted));
    CHECK(book.told() == 2);
    CHECK_FALSE(book.answered(key, Fate::refused));
    CHECK(book.told() == 1);
    book.release(key);
    CHECK(book.told() == 0);
}

TEST_CASE("a permit is released once")
{
    Book book;
    book.release(key);
    CHECK(book.told() == -1);
    book.asked();
    book.answered(key, Fate::granted);
    book.release(key);
    book.release(key);
    CHECK(book.told() == 0);
}

TEST_CASE("a refusal is told again if a word meanwhile counted it")
{
    Book book;
    book.asked();
    book.answered(key, Fate::granted);
    book.asked();
    book.release(key);
    book.find(key)->told_asked = true;  // as whoever told it did
    CHECK(book.answered(key, Fate::refused));
    CHECK(book.told() == 0);
}

TEST_CASE("held permits are told at every reminder, doubts once more, then forgotten")
{
    Book book;
    book.asked();
    book.answered(key, Fate::granted);
    CHECK(book.reminded() == Counts{1});
    CHECK(book.reminded() == Counts{1});
    book.release(key);
    CHECK(book.reminded() == Counts{0});
    CHECK(book.reminded() == Counts{});
    CHECK(book.told() == -1);

    book.asked();
    book.answered(key, Fate::unknown);
    CHECK(book.reminded() == Counts{0});
    CHECK(book.reminded() == Counts{});
}

TEST_CASE("a permit held while the store was away is told when it is back")
{
    Book book;
    book.hold(key, terms, 7);
    CHECK(book.reminded() == Counts{1});
}

TEST_CASE("what the store did not hear is told again, what changed meanwhile too")
{
    Book book;
    book.asked();
    book.answered(key, Fate::granted);
    book.release(key);
    CHECK(book.to_remind().size() == 1);
    CHECK(book.to_remind().size() == 1);  // nobody has heard
    book.heard(key, 1);                   // an older word
    CHECK(book.to_remind().size() == 1);
    book.heard(key, 0);
    CHECK(book.to_remind().empty());
}

TEST_CASE("at the end everything goes back")
{
    Book book;
    book.asked();
    book.answered(key, Fate::granted);
    book.asked();
    book.drop_all();
    CHECK(book.reminded() == Counts{0});
    CHECK(book.told() == -1);
}
