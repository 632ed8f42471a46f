#include "redis/command.hpp"

#include <array>
#include <charconv>

namespace orggate::redis {

namespace {

constexpr std::size_t header_size = 24;  // `$`, a size, two line ends: at most

void append_header(std::string& out, char type, std::size_t count)
{
    std::array<char, header_size> text;
    text[0] = type;
    const auto end = std::to_chars(text.data() + 1, text.data() + text.size() - 2, count).ptr;
    out.append(text.data(), end).append("\r\n");
}

}  // namespace

void append_command(std::string& out, std::span<const std::string_view> words)
{
    std::size_t size = header_size;
    for (const std::string_view word : words)
        size += header_size + word.size();
    if (out.empty()) out.reserve(size);
    append_header(out, '*', words.size());
    for (const std::string_view word : words) {
        append_header(out, '$', word.size());
        out.append(word).append("\r\n");
    }
}

Command make_command(std::initializer_list<std::string_view> words)
{
    Command command;
    append_command(command.bytes, std::span(words.begin(), words.size()));
    return command;
}

}  // namespace orggate::redis
