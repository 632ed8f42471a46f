#include "observe/sink.hpp"

#include <algorithm>
#include <cerrno>
#include <climits>
#include <system_error>

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

namespace orggate::observe {

namespace {

// A pipe that polls writable takes PIPE_BUF bytes without blocking, and in one piece
// (POSIX write, pipe(7)).
constexpr std::size_t stream_piece = PIPE_BUF;
constexpr std::size_t file_piece = 1u << 20;

// After a burst the buffer's memory is given back.
constexpr std::size_t kept_memory = 256u << 10;

bool is_regular(int descriptor)
{
    struct stat facts {};
    return ::fstat(descriptor, &facts) == 0 && S_ISREG(facts.st_mode);
}

// Non-blocking is right here: the description is ours alone, and a named pipe without
// reader must not hold us.
int open_for_append(const std::string& path)
{
    constexpr int flags = O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
    return ::open(path.c_str(), flags, 0640);
}

}  // namespace

Sink::Sink(int stream) : descriptor_(stream), is_file_(is_regular(stream)) {}

Sink::Sink(const std::string& path) : path_(path), descriptor_(open_for_append(path))
{
    if (descriptor_ < 0)
        throw std::system_error(errno, std::generic_category(), "cannot open " + path);
    is_file_ = is_regular(descriptor_);
}

Sink::~Sink()
{
    if (!path_.empty()) ::close(descriptor_);
}

bool Sink::reopen()
{
    if (path_.empty()) return true;
    const int fresh = open_for_append(path_);
    if (fresh < 0) return false;
    ::close(descriptor_);
    descriptor_ = fresh;
    is_file_ = is_regular(fresh);
    is_mid_line_ = is_torn_ = false;
    return true;
}

std::string& Sink::backlog()
{
    backlog_.erase(0, written_);
    written_ = 0;
    return backlog_;
}

std::size_t Sink::write_some()
{
    std::size_t gone = 0;
    while (!is_idle()) {
        // A half line was left behind: end it, so that the next one stays readable.
        const bool mend = is_torn_ && is_mid_line_;
        const ssize_t count = mend ? offer("\n") : offer(piece());
        if (count < 0) return gone + drop_backlog();
        if (count == 0) break;
        is_mid_line_ = !mend && backlog_[written_ + static_cast<std::size_t>(count) - 1] != '\n';
        is_torn_ = false;
        if (mend) continue;
        written_ += static_cast<std::size_t>(count);
        gone += static_cast<std::size_t>(count);
    }
    if (is_idle()) {
        backlog().clear();
        if (backlog_.capacity() > kept_memory) backlog_.shrink_to_fit();
    }
    return gone;
}

std::size_t Sink::drop_backlog()
{
    const std::string_view rest = std::string_view(backlog_).substr(written_);
    const std::size_t dropped = rest.size();
    lost_lines_ += static_cast<std::uint64_t>(std::count(rest.begin(), rest.end(), '\n'));
    is_torn_ = is_mid_line_;
    written_ = backlog_.size();
    backlog().clear();
    return dropped;
}

// What was taken; 0: nothing now; negative: the descriptor refuses.
std::ptrdiff_t Sink::offer(std::string_view bytes)
{
    if (!is_file_) {
        pollfd state{descriptor_, POLLOUT, 0};
        if (::poll(&state, 1, 0) <= 0) return 0;
    }
    for (;;) {
        const ssize_t count = ::write(descriptor_, bytes.data(), bytes.size());
        if (count >= 0) return count;
        if (errno == EAGAIN) return 0;
        if (errno != EINTR) return -1;
    }
}

// Streams get whole lines only, as many as fit in one undivided write.
std::string_view Sink::piece() const
{
    const std::string_view rest = std::string_view(backlog_).substr(written_);
    if (is_file_) return rest.substr(0, file_piece);
    if (rest.size() <= stream_piece) return rest;
    const std::size_t last = rest.substr(0, stream_piece).rfind('\n');
    return rest.substr(0, last == rest.npos ? stream_piece : last + 1);
}

}  // namespace orggate::observe
