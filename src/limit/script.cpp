#include "orggate/limit/script.hpp"

#include "limit/numbers.hpp"
#include "limit/script_lua.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <utility>

namespace orggate::limit {

namespace {

std::string program(std::string_view mode)
{
    std::string text("local mode = '");
    text.append(mode).append("'");
    for (const auto part : {head_lua, window_lua, bucket_lua, calendar_lua, permits_lua, tail_lua})
        text.append(part);
    return text;
}

// One item as the script unpacks it: '<BBddddddddc8'.
class Packer {
public:
    Packer(Algorithm algorithm, bool enforced)
    {
        bytes_.reserve(74);
        bytes_.push_back(static_cast<char>(static_cast<int>(algorithm) + 1));
        bytes_.push_back(enforced ? 1 : 0);
    }
    template <class... Number>
    void numbers(Number... values)
    {
        (raw(std::bit_cast<std::uint64_t>(static_cast<double>(values))), ...);
    }
    void raw(std::uint64_t word)
    {
        for (int shift = 0; shift < 64; shift += 8)
            bytes_.push_back(static_cast<char>(word >> shift & 0xFF));
    }
    std::string take() { return std::move(bytes_); }

private:
    std::string bytes_;
};

void pack_terms(Packer& packer, const Terms& terms, std::int64_t held)
{
    switch (terms.algorithm) {
        case Algorithm::window: {
            const WindowNumbers numbers = window_numbers(terms);
            return packer.numbers(numbers.units, numbers.length, numbers.slot);
        }
        case Algorithm::bucket: {
            const BucketNumbers numbers = bucket_numbers(terms);
            return packer.numbers(numbers.burst, 0, numbers.interval);
        }
        case Algorithm::calendar:
            return packer.numbers(countable(terms.units), terms.period == Period::month ? 1 : 0, 0);
        case Algorithm::concurrent: return packer.numbers(countable(terms.units), 0, held);
    }
}

void pack_wanted(Packer& packer, Wanted wanted, Refund refund)
{
    const std::int64_t least = countable(wanted.least);
    packer.numbers(least, std::max(least, countable(wanted.most)),
        std::max<std::int64_t>(countable(wanted.askers), 1), countable(refund.units), refund.slot);
}

void append_time(std::vector<std::string>& out, std::optional<Microseconds> at)
{
    if (at) out.push_back(std::to_string(at->count()));
}

constexpr std::int64_t never = -1;

bool read_answer(std::span<const std::int64_t, 6> reply, Microseconds clock, Answer& answer)
{
    const auto [allowed, granted, remaining, wait, next_unit, slot] =
        std::array{reply[0], reply[1], reply[2], reply[3], reply[4], reply[5]};
    if ((allowed != 0 && allowed != 1) || granted < 0 || remaining < 0 || wait < never ||
        next_unit < 0 || (allowed == 0 && granted > 0) || (allowed == 1 && wait != 0))
        return false;
    answer = {};
    answer.granted = granted;
    answer.slot = slot;
    answer.decision.allowed = allowed == 1;
    answer.decision.remaining = remaining;
    answer.decision.wait = wait == never ? Microseconds::max() : Microseconds(wait);
    answer.decision.next_unit = Microseconds(next_unit);
    answer.decision.store_clock = clock;
    return true;
}

}  // namespace

std::string_view take_script()
{
    static const std::string text = program("take");
    return text;
}

std::string_view settle_script()
{
    static const std::string text = program("settle");
    return text;
}

std::string_view inspect_script()
{
    static const std::string text = program("inspect");
    return text;
}

void append_arguments(
    std::vector<std::string>& out, std::span<const Item> items, std::optional<Microseconds> at)
{
    for (const Item& item : items) {
        Packer packer(item.terms.algorithm, item.enforced);
        pack_terms(packer, item.terms, -1);
        pack_wanted(packer, item.wanted, item.refund);
        packer.raw(item.holder);
        out.push_back(packer.take());
    }
    append_time(out, at);
}

void append_arguments(std::vector<std::string>& out, std::span<const Correction> corrections,
    std::optional<Microseconds> at)
{
    for (const Correction& correction : corrections) {
        Packer packer(correction.terms.algorithm, true);
        pack_terms(packer, correction.terms, correction.held ? countable(*correction.held) : -1);
        pack_wanted(packer, exactly(0), correction.refund);
        packer.raw(correction.holder);
        out.push_back(packer.take());
    }
    append_time(out, at);
}

bool read_answers(std::span<const std::int64_t> reply, std::span<Answer> answers)
{
    if (reply.size() != 1 + 6 * answers.size() || reply.front() <= 0) return false;
    const Microseconds clock(reply.front());
    for (std::size_t i = 0; i < answers.size(); ++i)
        if (!read_answer(reply.subspan(1 + 6 * i).first<6>(), clock, answers[i])) return false;
    return true;
}

}  // namespace orggate::limit
