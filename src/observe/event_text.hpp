// One event of ours as one line, for machines or for people.
// Pure.

#pragma once

#include "orggate/observe/log.hpp"

#include <chrono>
#include <initializer_list>
#include <string>
#include <string_view>

namespace orggate::observe {

inline constexpr std::size_t max_event_line = 4000;

struct Event {
    std::chrono::system_clock::time_point time;
    Level level;
    std::string_view message;
    std::initializer_list<LogField> fields;
};

// Appends the line without newline, at most `max_event_line` bytes: fields that do not
// fit are left out. JSON: an object of ts, level, msg and the fields. Text:
// `2026-01-31T23:59:59.999Z WARN  message key=value key="a value"`.
void append_event(std::string& out, Format format, const Event& event);

}  // namespace orggate::observe
