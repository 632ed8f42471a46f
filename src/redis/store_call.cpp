#include "redis/store_call.hpp"

#include <charconv>

namespace orggate::redis {

namespace {

constexpr std::string_view asking = "*1\r\n$6\r\nASKING\r\n";
constexpr std::size_t framing = 16;  // of a word or the list: its length and two line ends

}  // namespace

Command CallWriter::write(const Call& call, Form form, Before before)
{
    char digits[8];
    words_.clear();
    if (call.script != nullptr) {
        const auto end = std::to_chars(digits, digits + sizeof digits, call.keys.size());
        words_.push_back(form == Form::digest ? "EVALSHA" : "EVAL");
        words_.push_back(form == Form::digest ? call.script->sha : call.script->text);
        words_.emplace_back(digits, end.ptr);
        words_.insert(words_.end(), call.keys.begin(), call.keys.end());
    }
    words_.insert(words_.end(), call.arguments.begin(), call.arguments.end());
    std::size_t size = framing + asking.size();
    for (const std::string_view word : words_)
        size += word.size() + framing;

    Command command;
    command.bytes.reserve(size);
    if (before == Before::asking) {
        command.bytes = asking;
        command.replies = 2;
    }
    append_command(command.bytes, words_);
    return command;
}

}  // namespace orggate::redis
