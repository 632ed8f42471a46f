// Where lines end: a file of ours, or a standard stream that others hold too.
// Never waits for a reader. Used by the log's thread alone.

#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace orggate::observe {

class Sink {
public:
    // A stream somebody else owns; it is not closed.
    explicit Sink(int stream);

    // A file of ours, appended to. Throws std::system_error if it can't be opened.
    explicit Sink(const std::string& path);

    ~Sink();
    Sink(const Sink&) = delete;
    Sink& operator=(const Sink&) = delete;

    // Opens the path again, keeping the old descriptor if that fails (false; errno).
    bool reopen();

    // Where lines to be written are added, each with its newline.
    std::string& backlog();

    // Writes what goes without waiting. Gives the bytes that no longer wait: written, or
    // lost because the descriptor refuses them. Never throws.
    std::size_t write_some();

    // Forgets what waits and counts its lines.
    std::size_t drop_backlog();

    bool is_idle() const { return written_ == backlog_.size(); }
    int descriptor() const { return descriptor_; }
    std::uint64_t lost_lines() const { return lost_lines_; }

private:
    std::string_view piece() const;
    std::ptrdiff_t offer(std::string_view bytes);

    std::string path_;  // empty: not ours
    int descriptor_;
    bool is_file_ = false;
    std::string backlog_;
    std::size_t written_ = 0;  // of the backlog
    std::uint64_t lost_lines_ = 0;
    bool is_mid_line_ = false;  // what was written last did not end a line
    bool is_torn_ = false;      // and the rest of that line is lost
};

}  // namespace orggate::observe
