#include "observe/event_text.hpp"

#include "observe/timestamp.hpp"
#include "orggate/observe/json_text.hpp"

#include <charconv>
#include <cmath>

namespace orggate::observe {

namespace {

std::string_view name(Level level)
{
    switch (level) {
        case Level::debug: return "debug";
        case Level::info: return "info";
        case Level::warn: return "warn";
        case Level::error: return "error";
    }
    return "error";
}

// All five wide, so that messages line up.
std::string_view column(Level level)
{
    switch (level) {
        case Level::debug: return "DEBUG";
        case Level::info: return "INFO ";
        case Level::warn: return "WARN ";
        case Level::error: return "ERROR";
    }
    return "ERROR";
}

// Needs no quotes in a text line: nothing that could end the value or the line.
bool is_word(std::string_view text)
{
    constexpr std::string_view marks = "-_.:/@+,*%()[]#?&;~";
    for (const char c : text) {
        const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        const bool digit = c >= '0' && c <= '9';
        if (!letter && !digit && marks.find(c) == marks.npos) return false;
    }
    return !text.empty();
}

struct ValueWriter {
    std::string& out;
    Format format;

    void operator()(std::string_view text) const
    {
        if (format == Format::text && is_word(text) && text.size() <= 1024) {
            out.append(text);
        } else {
            append_json_string(out, text);
        }
    }
    void operator()(bool value) const { out.append(value ? "true" : "false"); }
    void operator()(std::int64_t value) const { append_number(value); }
    void operator()(double value) const
    {
        if (std::isfinite(value)) {
            append_number(value);
        } else {
            out.append("null");  // JSON has no other word for it
        }
    }

private:
    template <class Number>
    void append_number(Number value) const
    {
        char digits[32];
        const auto end = std::to_chars(digits, digits + sizeof digits, value);
        out.append(digits, end.ptr);
    }
};

void append_field(std::string& out, Format format, const LogField& field)
{
    if (format == Format::json) {
        out.push_back(',');
        append_json_string(out, field.key, 64);
        out.push_back(':');
    } else {
        out.append(" ").append(field.key).append("=");
    }
    std::visit(ValueWriter{out, format}, field.value);
}

void append_front(std::string& out, Format format, const Event& event)
{
    if (format == Format::json) {
        out.append("{\"ts\":\"");
        append_timestamp(out, event.time);
        out.append("\",\"level\":\"").append(name(event.level)).append("\",\"msg\":");
        append_json_string(out, event.message);
        return;
    }
    append_timestamp(out, event.time);
    out.append(" ").append(column(event.level)).append(" ");
    // Escaped like a value, without its quotes.
    const std::size_t quote = out.size();
    append_json_string(out, event.message);
    out.erase(quote, 1);
    out.pop_back();
}

}  // namespace

void append_event(std::string& out, Format format, const Event& event)
{
    const std::size_t start = out.size();
    append_front(out, format, event);
    for (const LogField& field : event.fields) {
        const std::size_t before = out.size();
        append_field(out, format, field);
        if (out.size() - start >= max_event_line) out.resize(before);
    }
    if (format == Format::json) out.push_back('}');
}

}  // namespace orggate::observe
