// Values with units, and the files that values name.

#include "config/reader.hpp"
#include "config/text.hpp"

namespace orggate::config {

namespace {

std::string spoken(Milliseconds duration)
{
    const auto ms = duration.count();
    if (ms % 86'400'000 == 0 && ms != 0) return std::to_string(ms / 86'400'000) + "d";
    if (ms % 3'600'000 == 0 && ms != 0) return std::to_string(ms / 3'600'000) + "h";
    if (ms % 60'000 == 0 && ms != 0) return std::to_string(ms / 60'000) + "m";
    if (ms % 1000 == 0) return std::to_string(ms / 1000) + "s";
    return std::to_string(ms) + "ms";
}

std::string spoken(std::uint64_t bytes)
{
    if (bytes % (1u << 30) == 0 && bytes != 0) return std::to_string(bytes >> 30) + "GiB";
    if (bytes % (1u << 20) == 0 && bytes != 0) return std::to_string(bytes >> 20) + "MiB";
    if (bytes % (1u << 10) == 0 && bytes != 0) return std::to_string(bytes >> 10) + "KiB";
    return std::to_string(bytes) + "B";
}

}  // namespace

std::optional<Milliseconds> Reader::duration(const Value& at, DurationRange range)
{
    const auto value = text(at, "a duration such as 10s (ms, s, m, h, d)");
    if (!value) return std::nullopt;
    const auto parsed = parse_duration(*value);
    if (!parsed) {
        expected(at, "a duration such as 10s (ms, s, m, h, d)");
        return std::nullopt;
    }
    if (*parsed >= range.least && *parsed <= range.most) return parsed;
    expected(at, "a duration from " + spoken(range.least) + " to " + spoken(range.most));
    return std::nullopt;
}

std::optional<std::uint64_t> Reader::size(const Value& at, SizeRange range)
{
    const auto value = text(at, "a size such as 48KiB (B, KiB, MiB, GiB)");
    if (!value) return std::nullopt;
    const auto parsed = parse_size(*value);
    if (!parsed) {
        expected(at, "a size such as 48KiB (B, KiB, MiB, GiB)");
        return std::nullopt;
    }
    if (*parsed >= range.least && *parsed <= range.most) return parsed;
    expected(at, "a size from " + spoken(range.least) + " to " + spoken(range.most));
    return std::nullopt;
}

std::optional<std::string> Reader::file(const Value& at)
{
    const auto path = text(at, "the path of a file");
    if (!path) return std::nullopt;
    if (path->empty()) {
        expected(at, "the path of a file");
        return std::nullopt;
    }
    std::string why;
    auto content = world_.read_file(*path, why);
    if (!content)
        error(at, "cannot read the file " + shown(at.node->text) + (why.empty() ? "" : ": " + why));
    return content;
}

}  // namespace orggate::config
