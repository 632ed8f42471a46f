#include "config/text.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <numeric>
#include <utility>

namespace orggate::config {

namespace {

constexpr std::size_t shown_bytes = 60;

bool looks_secret(std::string_view text)
{
    constexpr std::array<std::string_view, 5> marks{
        "sk_live_", "sk_test_", "-----BEGIN", "eyJ", "whsec_"};
    const auto has = [&](std::string_view mark) {
        return text.find(mark) != std::string_view::npos;
    };
    // A URL with a user, and then mostly with a password.
    const auto scheme = text.find("://");
    const bool has_user =
        scheme != std::string_view::npos && text.find('@', scheme) != std::string_view::npos;
    return has_user || std::any_of(marks.begin(), marks.end(), has);
}

void append_shown(std::string& out, char c)
{
    constexpr std::string_view digits = "0123456789ABCDEF";
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
        out += '\\';
        out += c;
    } else if (c == '\n') {
        out += "\\n";
    } else if (byte < 0x20 || byte == 0x7F) {
        out.append({'\\', 'x', digits[byte >> 4], digits[byte & 15]});
    } else {
        out += c;
    }
}

// Edit distance, insertions, deletions and exchanges alike.
std::size_t distance(std::string_view a, std::string_view b)
{
    std::vector<std::size_t> row(b.size() + 1);
    std::iota(row.begin(), row.end(), std::size_t{0});
    for (std::size_t i = 1; i <= a.size(); ++i) {
        auto diagonal = std::exchange(row[0], i);
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const auto exchanged = diagonal + (a[i - 1] == b[j - 1] ? 0u : 1u);
            diagonal = row[j];
            row[j] = std::min({row[j] + 1, row[j - 1] + 1, exchanged});
        }
    }
    return row.back();
}

// Bytes of the UTF-8 character in front; 0 if it is none (RFC 3629).
std::size_t utf8_length(std::string_view text)
{
    const auto at = [&](std::size_t i) {
        return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u;
    };
    const auto is_tail = [&](std::size_t i) { return (at(i) & 0xC0u) == 0x80u; };
    const auto first = at(0), second = at(1);
    if (first < 0x80) return 1;
    if (first < 0xC2 || first > 0xF4 || !is_tail(1)) return 0;
    if (first < 0xE0) return 2;
    if (!is_tail(2)) return 0;
    if (first < 0xF0)
        return (first == 0xE0 && second < 0xA0) || (first == 0xED && second > 0x9F) ? 0 : 3;
    if (!is_tail(3)) return 0;
    return (first == 0xF0 && second < 0x90) || (first == 0xF4 && second > 0x8F) ? 0 : 4;
}

struct Unit {
    std::string_view name;
    std::int64_t factor;
};

// A whole number and its unit; nothing if it overflows.
template <std::size_t N>
std::optional<std::int64_t> parse_with_unit(std::string_view text, const std::array<Unit, N>& units)
{
    const auto digits = std::min(text.find_first_not_of("0123456789"), text.size());
    const auto number = parse_integer(text.substr(0, digits));
    const auto* unit = std::find_if(units.begin(), units.end(),
        [&](const Unit& known) { return known.name == text.substr(digits); });
    if (!number || unit == units.end()) return std::nullopt;
    if (*number > std::numeric_limits<std::int64_t>::max() / unit->factor) return std::nullopt;
    return *number * unit->factor;
}

}  // namespace

std::string shown(std::string_view text)
{
    if (looks_secret(text)) return "a value that is not shown here";
    std::string out = "\"";
    auto cut = std::min(text.size(), shown_bytes);
    while (cut > 0 && cut < text.size() && (static_cast<unsigned char>(text[cut]) & 0xC0) == 0x80)
        --cut;
    for (const char c : text.substr(0, cut))
        append_shown(out, c);
    return out + (cut < text.size() ? "…\"" : "\"");
}

std::string any_of(const std::vector<std::string_view>& words)
{
    std::string out;
    for (std::size_t i = 0; i < words.size(); ++i) {
        if (i > 0) out += i + 1 == words.size() ? " or " : ", ";
        out += words[i];
    }
    return out;
}

std::optional<std::string_view> nearest(
    std::string_view word, const std::vector<std::string_view>& known)
{
    if (word.size() > 64) return std::nullopt;
    std::optional<std::string_view> best;
    std::size_t least = word.size() < 5 ? 2 : 3;  // one less is near enough
    for (const auto candidate : known) {
        const auto far = distance(word, candidate);
        if (far < least) {
            least = far;
            best = candidate;
        }
    }
    return best;
}

std::optional<std::size_t> find_not_text(std::string_view text)
{
    for (std::size_t i = 0; i < text.size();) {
        const auto byte = static_cast<unsigned char>(text[i]);
        const auto length = utf8_length(text.substr(i));
        const bool is_control = byte < 0x20 && byte != '\n' && byte != '\r' && byte != '\t';
        if (length == 0 || is_control || byte == 0x7F) return i;
        i += length;
    }
    return std::nullopt;
}

std::optional<Milliseconds> parse_duration(std::string_view text)
{
    constexpr std::array<Unit, 5> units{
        {{"ms", 1}, {"s", 1000}, {"m", 60'000}, {"h", 3'600'000}, {"d", 86'400'000}}};
    const auto parsed = parse_with_unit(text, units);
    return parsed ? std::optional(Milliseconds(*parsed)) : std::nullopt;
}

std::optional<std::uint64_t> parse_size(std::string_view text)
{
    constexpr std::array<Unit, 4> units{
        {{"B", 1}, {"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}}};
    const auto parsed = parse_with_unit(text, units);
    return parsed ? std::optional(static_cast<std::uint64_t>(*parsed)) : std::nullopt;
}

std::optional<std::int64_t> parse_integer(std::string_view text)
{
    if (text.empty() || text.find_first_not_of("0123456789") != std::string_view::npos)
        return std::nullopt;
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    return error == std::errc() ? std::optional(value) : std::nullopt;
}

std::optional<Rate> parse_rate(std::string_view text)
{
    const auto slash = text.find('/');
    if (slash == std::string_view::npos) return std::nullopt;
    const auto units = parse_integer(text.substr(0, slash));
    const auto window_text = text.substr(slash + 1);
    const bool is_month = window_text == "1mo";
    const auto window = parse_duration(is_month ? "31d" : window_text);
    if (!units || !window) return std::nullopt;
    return Rate{*units, *window, is_month, window_text};
}

std::optional<std::chrono::system_clock::time_point> parse_utc_time(std::string_view text)
{
    constexpr std::string_view shape = "0000-00-00T00:00:00Z";
    if (text.size() != shape.size()) return std::nullopt;
    for (std::size_t i = 0; i < shape.size(); ++i) {
        const bool is_digit = text[i] >= '0' && text[i] <= '9';
        if (shape[i] == '0' ? !is_digit : text[i] != shape[i]) return std::nullopt;
    }
    const auto number = [&](std::size_t at, std::size_t digits) {
        return static_cast<int>(*parse_integer(text.substr(at, digits)));
    };
    namespace chrono = std::chrono;
    const chrono::year_month_day day{chrono::year(number(0, 4)),
        chrono::month(static_cast<unsigned>(number(5, 2))),
        chrono::day(static_cast<unsigned>(number(8, 2)))};
    const auto hour = number(11, 2), minute = number(14, 2), second = number(17, 2);
    if (!day.ok() || hour > 23 || minute > 59 || second > 59) return std::nullopt;
    // The clock's own range ends in 2262 and begins in 1677.
    if (day.year() > chrono::year(2261)) return chrono::system_clock::time_point::max();
    if (day.year() < chrono::year(1678)) return chrono::system_clock::time_point::min();
    return chrono::sys_days(day) + chrono::hours(hour) + chrono::minutes(minute) +
           chrono::seconds(second);
}

bool is_plain_name(std::string_view text)
{
    return !text.empty() && text.size() <= 64 &&
           text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_-") ==
               std::string_view::npos;
}

std::string to_lower(std::string_view text)
{
    std::string out(text);
    for (auto& c : out)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    return out;
}

}  // namespace orggate::config
