#include "redis/store_complaints.hpp"

#include "observe/scratch.hpp"

#include <doctest/doctest.h>

#include <fcntl.h>
#include <unistd.h>

#include <string>
#include <vector>

using namespace orggate;
using namespace orggate::redis;

namespace {

using Time = Complaints::Time;

struct Complaint {
    std::string text;
    Time at{};
};

// The lines that came of them, from the message on.
std::vector<std::string> lines_of(const std::vector<Complaint>& all)
{
    const scratch::Folder folder;
    const int file = ::open(folder.file("errors").c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    std::vector<std::string> said;
    {
        const scratch::Borrowed borrowed(2, file);
        observe::Log log{observe::LogOptions()};
        Complaints complaints(log);
        const config::Address server{"10.0.0.1", 6379, {}};
        for (const Complaint& one : all)
            complaints.add(classify(one.text), one.text, server, one.at);
        log.flush(Milliseconds{20'000});
        for (const auto& line : scratch::lines(scratch::contents(folder.file("errors"))))
            said.push_back(line.substr(line.find("\"msg\"")));
    }
    ::close(file);
    return said;
}

}  // namespace

TEST_CASE("a complaint says what the server said, but not where a password may be in it")
{
    struct Row {
        std::string name, text, code, reason;
    };
    const std::string long_name(300, 'x');
    const Row rows[] = {
        {"a missing right", "NOPERM User gate has no permissions to run the 'evalsha' command",
            "NOPERM", "NOPERM User gate has no permissions to run the 'evalsha' command"},
        {"inside a script", "ERR The user executing the script can't run this command: x", "NOPERM",
            "ERR The user executing the script can't run this command: x"},
        {"at length", "NOPERM " + long_name, "NOPERM", ("NOPERM " + long_name).substr(0, 200)},
        {"what does not print", "NOPERM \x1b[31m", "NOPERM", "NOPERM ?[31m"},
        {"a defect", "WRONGTYPE Operation against a key", "WRONGTYPE",
            "WRONGTYPE Operation against a key"},
        {"a wrong password", "WRONGPASS no hunter2", "WRONGPASS", "WRONGPASS"},
        {"no password", "NOAUTH no hunter2", "NOAUTH", "NOAUTH"},
        {"an old server's wrong password", "ERR invalid password hunter2", "WRONGPASS",
            "WRONGPASS"},
        {"what passes", "BUSY Redis is busy", "BUSY", "BUSY"},
    };
    for (const Row& row : rows) {
        CAPTURE(row.name);
        const auto said = lines_of({{row.text}});
        REQUIRE(said.size() == 1);
        CHECK(said[0].ends_with("\"server\":\"10.0.0.1:6379\",\"code\":\"" + row.code +
                                "\",\"reason\":\"" + row.reason + "\"}"));
    }
}

TEST_CASE("each kind of complaint is one line a minute")
{
    const Time first{std::chrono::hours(1)};
    const auto later = [&](int seconds) { return first + Seconds{seconds}; };
    const auto said = lines_of({{"OOM 1", first}, {"BUSY 1", first}, {"OOM 2", later(59)},
        {"OOM 3", later(60)}, {"BUSY 2", later(59)}});
    CHECK(said.size() == 3);
}
