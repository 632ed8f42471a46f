// Says what happened, one line per event, without ever stalling a worker: lines
// go into bounded buffers and one thread writes them. A full buffer drops lines and
// counts them. Thread-safe.

#pragma once

#include "orggate/time.hpp"

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <variant>

namespace orggate::observe {

enum class Level { debug, info, warn, error };
enum class Format { json, text };

struct LogField {
    std::string_view key;
    std::variant<std::string_view, std::int64_t, double, bool> value;
};

struct LogOptions {
    Level level = Level::info;
    Format format = Format::json;
    std::string access_file;          // empty: standard output
    std::size_t capacity = 4u << 20;  // bytes waiting, for each sink; more are dropped
    Clock clock = nullptr;            // stamps events; none: the system's clock
};

class Log {
public:
    // Throws std::system_error if the access file cannot be opened.
    explicit Log(LogOptions options);
    ~Log();  // writes what is left, at most for a second

    bool is_on(Level level) const;

    // An event of ours: ts, level, msg and the fields. Goes to standard error.
    void event(Level level, std::string_view message, std::initializer_list<LogField> fields = {});

    // A finished access line, without its newline. Goes to the access sink.
    void access(std::string_view line);

    // Closes and opens the access file again, for log rotation, as soon as what was
    // logged before is written to the old one. Does not wait. If the file can't be
    // opened the old one stays in use and an event says so.
    void reopen();

    // Waits until what was logged before, and a reopen, is done; false if that takes
    // longer than `at_most`. For a last word before exit; workers never call it.
    bool flush(Milliseconds at_most);

    // Lines that were lost, of both sinks.
    std::uint64_t dropped() const;

private:
    struct Writer;
    std::unique_ptr<Writer> writer_;
};

}  // namespace orggate::observe
