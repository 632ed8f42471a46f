#include "observe/exposition.hpp"

#include "observe/utf8.hpp"

#include <charconv>
#include <cmath>

namespace orggate::observe {

namespace {

constexpr std::string_view prefix = "orggate_";

std::string_view word(MetricType type)
{
    switch (type) {
        case MetricType::counter: return "counter";
        case MetricType::gauge: return "gauge";
        case MetricType::histogram: return "histogram";
    }
    return "untyped";
}

// One bad byte makes a scraper refuse the whole page, hence the check of UTF-8.
void append_escaped(std::string& out, std::string_view text, bool quotes)
{
    while (!text.empty()) {
        const std::size_t length = utf8_length(text);
        const char c = text.front();
        if (length == 0) {
            out.push_back('?');
        } else if (c == '\\' || (c == '"' && quotes)) {
            out.append(1, '\\').append(1, c);
        } else if (c == '\n') {
            out.append("\\n");
        } else {
            out.append(text.substr(0, length));
        }
        text.remove_prefix(length == 0 ? 1 : length);
    }
}

}  // namespace

void append_number(std::string& out, double value)
{
    if (std::isnan(value)) {
        out.append("NaN");
        return;
    }
    if (std::isinf(value)) {
        out.append(value > 0 ? "+Inf" : "-Inf");
        return;
    }
    // Plain digits where they are short: `le="0.0005"` is what people look for.
    const double size = std::abs(value);
    const bool is_short = size == 0 || (size >= 1e-6 && size < 1e15);
    char digits[48];
    const auto end =
        is_short ? std::to_chars(digits, digits + sizeof digits, value, std::chars_format::fixed)
                 : std::to_chars(digits, digits + sizeof digits, value);
    out.append(digits, end.ptr);
}

void Exposition::family(std::string_view name, MetricType type, std::string_view help)
{
    family(name, word(type), help);
}

void Exposition::family(std::string_view name, std::string_view type, std::string_view help)
{
    name_.assign(prefix).append(name);
    text_.append("# HELP ").append(name_).append(" ");
    append_escaped(text_, help, false);
    text_.append("\n# TYPE ").append(name_).append(" ").append(type).append("\n");
}

void Exposition::sample(std::uint64_t value, Labels labels, std::string_view suffix)
{
    start(labels, suffix);
    char digits[20];
    const auto end = std::to_chars(digits, digits + sizeof digits, value);
    text_.append(digits, end.ptr).push_back('\n');
}

void Exposition::sample(double value, Labels labels, std::string_view suffix)
{
    start(labels, suffix);
    finish(value);
}

void Exposition::sample_with(std::string_view written_labels, double value)
{
    text_.append(name_);
    if (!written_labels.empty()) text_.append("{").append(written_labels).append("}");
    text_.push_back(' ');
    finish(value);
}

void Exposition::start(Labels labels, std::string_view suffix)
{
    text_.append(name_).append(suffix);
    char before = '{';
    for (const auto& [key, value] : labels) {
        text_.append(1, before).append(key).append("=\"");
        append_escaped(text_, value, true);
        text_.push_back('"');
        before = ',';
    }
    text_.append(before == ',' ? "} " : " ");
}

void Exposition::finish(double value)
{
    append_number(text_, value);
    text_.push_back('\n');
}

}  // namespace orggate::observe
