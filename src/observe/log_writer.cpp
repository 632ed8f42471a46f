#include "observe/log_writer.hpp"

#include "observe/event_text.hpp"

#include <array>
#include <cerrno>
#include <csignal>
#include <ctime>
#include <system_error>
#include <utility>

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

namespace orggate::observe {

namespace {

// How long access lines gather before they are written together.
constexpr int gather_ms = 50;

// For a thread that was told to give up: it is not in a system call, or for good.
constexpr Milliseconds last_grace{200};

// Signals belong to the thread that waits for them; and a write to a closed pipe shall
// be an error here, whatever the process does about SIGPIPE.
void block_signals()
{
    sigset_t all;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, nullptr);
}

// An event is stamped where it happens: whoever has something to say about a failure
// has no clock at hand.
std::chrono::system_clock::time_point wall_time(Clock clock)
{
    if (clock) return clock().wall;
    std::timespec time{};
    ::clock_gettime(CLOCK_REALTIME, &time);
    return std::chrono::system_clock::time_point(
        std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec));
}

int make_bell()
{
    const int bell = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (bell < 0) throw std::system_error(errno, std::generic_category(), "eventfd");
    return bell;
}

}  // namespace

void LogWriter::Channel::write()
{
    queue.collect(sink->backlog());
    queue.settle(sink->write_some());
    lost.store(sink->lost_lines(), std::memory_order_relaxed);
}

LogWriter::LogWriter(LogOptions wanted)
    : options(std::move(wanted)), access_(options.capacity), events_(options.capacity)
{
    if (options.access_file.empty()) {
        access_.sink.emplace(STDOUT_FILENO);
    } else {
        access_.sink.emplace(options.access_file);
    }
    events_.sink.emplace(STDERR_FILENO);
    bell_ = make_bell();
    thread_ = std::thread([this] { run(); });
}

LogWriter::~LogWriter()
{
    ::close(bell_);
}

void LogWriter::event(Level level, std::string_view message, std::initializer_list<LogField> fields)
{
    const Event event{wall_time(options.clock), level, message, fields};
    std::string line;
    append_event(line, options.format, event);
    events_.queue.put(line);
    wake_now();
}

void LogWriter::access(std::string_view line)
{
    switch (access_.queue.put(line)) {
        case LineQueue::News::none: return;
        case LineQueue::News::first: return wake();
        case LineQueue::News::urgent: return wake_now();
    }
}

void LogWriter::reopen()
{
    wants_reopen_ = true;
    wake_now();
}

bool LogWriter::flush(Milliseconds at_most)
{
    std::unique_lock lock(mutex_);
    const std::uint64_t mine = ++flushes_asked_;
    wake_now();
    return changed_.wait_for(lock, at_most, [&] { return flushes_done_ >= mine; });
}

std::uint64_t LogWriter::dropped() const
{
    return access_.queue.dropped_lines() + events_.queue.dropped_lines() + access_.lost.load() +
           events_.lost.load();
}

bool LogWriter::stop(Milliseconds at_most)
{
    std::unique_lock lock(mutex_);
    const auto finished = [this] { return is_finished_; };
    is_stopping_ = true;
    wake_now();
    if (!changed_.wait_for(lock, at_most, finished)) {
        gives_up_ = true;
        wake();
        changed_.wait_for(lock, last_grace, finished);
    }
    const bool ended = is_finished_;
    lock.unlock();
    if (ended) {
        thread_.join();
    } else {
        // floors: allow detach: it hangs in a system call, only the exit of the process ends it
        thread_.detach();
    }
    return ended;
}

void LogWriter::run()
{
    block_signals();
    while (!pass())
        wait();
    const std::lock_guard lock(mutex_);
    is_finished_ = true;
    changed_.notify_all();
}

// Writes once what waits; true if that was the last time.
bool LogWriter::pass()
{
    is_urgent_ = false;  // before looking, or what comes meanwhile would have to wait
    std::unique_lock lock(mutex_);
    const std::uint64_t asked = flushes_asked_;
    lock.unlock();

    const bool is_last = is_stopping_;
    const bool wants_reopen = wants_reopen_.exchange(false);
    events_.write();
    access_.write();
    if (wants_reopen) reopen_access();

    const bool is_drained = events_.sink->is_idle() && access_.sink->is_idle();
    lock.lock();
    if (is_drained) flushes_done_ = asked;
    changed_.notify_all();
    return is_last && (is_drained || gives_up_);
}

void LogWriter::wait()
{
    if (access_.queue.is_empty() && events_.queue.is_empty() && !is_urgent_) wait_for_bell(-1);
    if (!is_urgent_) wait_for_bell(gather_ms);
}

// Or until a stalled sink takes bytes again.
void LogWriter::wait_for_bell(int at_most_ms)
{
    const auto stalled = [](const Channel& channel) {
        return pollfd{channel.sink->is_idle() ? -1 : channel.sink->descriptor(), POLLOUT, 0};
    };
    std::array<pollfd, 3> states{pollfd{bell_, POLLIN, 0}, stalled(access_), stalled(events_)};
    ::poll(states.data(), states.size(), at_most_ms);
    std::uint64_t rings;
    static_cast<void>(::read(bell_, &rings, sizeof rings));
}

void LogWriter::reopen_access()
{
    if (access_.sink->reopen()) return;
    const std::string why = std::generic_category().message(errno);
    event(Level::error, "cannot reopen the access log, going on with the old one",
        {{"file", options.access_file}, {"error", why}});
}

void LogWriter::wake_now()
{
    is_urgent_ = true;
    wake();
}

void LogWriter::wake()
{
    const std::uint64_t one = 1;
    static_cast<void>(::write(bell_, &one, sizeof one));
}

}  // namespace orggate::observe
