#include "orggate/observe/log.hpp"

#include "observe/scratch.hpp"

#include <boost/json.hpp>
#include <doctest/doctest.h>

#include <algorithm>
#include <iterator>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include <sys/stat.h>

using namespace std::chrono_literals;
using namespace orggate;
using observe::Format;
using observe::Level;
using observe::Log;
using observe::LogOptions;

namespace {

Instant fixed_time()
{
    Instant now;
    now.wall = std::chrono::system_clock::time_point(1'700'000'000'123ms);
    return now;
}

LogOptions to_file(const std::string& path)
{
    LogOptions options;
    options.access_file = path;
    options.clock = fixed_time;
    return options;
}

int open_new(const std::string& path)
{
    return ::open(path.c_str(), O_CREAT | O_WRONLY | O_APPEND | O_CLOEXEC, 0600);
}

// Standard error in a file while it lives.
struct CaughtErrors {
    explicit CaughtErrors(const std::string& path_)
        : path(path_), file(open_new(path_)), borrowed(2, file)
    {
    }
    ~CaughtErrors() { ::close(file); }

    std::string path;
    int file;
    scratch::Borrowed borrowed;
};

}  // namespace

TEST_CASE("access lines reach their file, events standard error")
{
    const scratch::Folder folder;
    std::string errors;
    {
        const CaughtErrors caught(folder.file("errors"));
        Log log(to_file(folder.file("access")));
        log.access("{\"a\":1}");
        log.event(Level::warn, "hello", {{"n", std::int64_t{1}}});
        log.access("{\"a\":2}");
        CHECK(log.flush(10s));
        errors = scratch::contents(caught.path);
        CHECK(log.dropped() == 0);
    }
    CHECK(scratch::contents(folder.file("access")) == "{\"a\":1}\n{\"a\":2}\n");
    CHECK(errors ==
          "{\"ts\":\"2023-11-14T22:13:20.123Z\",\"level\":\"warn\",\"msg\":\"hello\",\"n\":1}\n");
}

TEST_CASE("without a file the access lines go to standard output, which stays blocking")
{
    scratch::Pipe pipe;
    const scratch::Borrowed borrowed(1, pipe.write_end);
    {
        Log log(LogOptions{});
        log.access("one");
        log.access("two");
    }
    CHECK((::fcntl(1, F_GETFL) & O_NONBLOCK) == 0);
    CHECK(pipe.drain() == "one\ntwo\n");
}

TEST_CASE("what is logged before the end is written")
{
    const scratch::Folder folder;
    {
        Log log(to_file(folder.file("access")));
        for (int i = 0; i < 10'000; ++i)
            log.access("line " + std::to_string(i));
    }
    const auto lines = scratch::lines(scratch::contents(folder.file("access")));
    REQUIRE(lines.size() == 10'000);
    CHECK(lines.front() == "line 0");
    CHECK(lines.back() == "line 9999");
}

TEST_CASE("an access line is written without being asked for")
{
    const scratch::Folder folder;
    REQUIRE(::mkfifo(folder.file("fifo").c_str(), 0600) == 0);
    const int reader = ::open(folder.file("fifo").c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    Log log(to_file(folder.file("fifo")));
    ::fcntl(reader, F_SETFL, 0);  // waits from here on
    char buffer[16];
    for (const char* line : {"one", "two"}) {
        log.access(line);
        CHECK(::read(reader, buffer, sizeof buffer) == 4);
        CHECK(std::string(buffer, 4) == std::string(line) + "\n");
    }
    ::close(reader);
}

TEST_CASE("levels below the wanted one are not written")
{
    const scratch::Folder folder;
    const CaughtErrors caught(folder.file("errors"));
    LogOptions options = to_file(folder.file("access"));
    options.level = Level::warn;
    options.format = Format::text;
    {
        Log log(options);
        CHECK_FALSE(log.is_on(Level::debug));
        CHECK_FALSE(log.is_on(Level::info));
        CHECK(log.is_on(Level::warn));
        CHECK(log.is_on(Level::error));
        log.event(Level::info, "quiet");
        log.event(Level::warn, "loud");
        log.event(Level::error, "louder");
    }
    CHECK(scratch::contents(caught.path) ==
          "2023-11-14T22:13:20.123Z WARN  loud\n2023-11-14T22:13:20.123Z ERROR louder\n");
}

TEST_CASE("an event is stamped with the system's time if no clock is given")
{
    const scratch::Folder folder;
    const CaughtErrors caught(folder.file("errors"));
    {
        LogOptions options = to_file(folder.file("access"));
        options.clock = nullptr;
        Log log(options);
        log.event(Level::info, "now");
    }
    const std::string line = scratch::contents(caught.path);
    CHECK(line.starts_with("{\"ts\":\"20"));
    CHECK(line.find("Z\",\"level\"") != line.npos);
}

TEST_CASE("an access file that can't be opened is said at once")
{
    const scratch::Folder folder;
    CHECK_THROWS_AS(Log(to_file(folder.file("no/such/folder"))), std::system_error);
}

TEST_CASE("reopening goes on in a new file and loses nothing")
{
    const scratch::Folder folder;
    const std::string path = folder.file("access");
    Log log(to_file(path));
    log.access("before");
    CHECK(log.flush(10s));
    std::filesystem::rename(path, folder.file("access.1"));
    log.access("between");
    log.reopen();
    CHECK(log.flush(10s));
    log.access("after");
    CHECK(log.flush(10s));
    CHECK(scratch::contents(folder.file("access.1")) == "before\nbetween\n");
    CHECK(scratch::contents(path) == "after\n");
}

TEST_CASE("a file that can't be reopened is reported and the old one used on")
{
    const scratch::Folder folder;
    const CaughtErrors caught(folder.file("errors"));
    const std::string path = folder.file("access");
    Log log(to_file(path));
    std::filesystem::rename(path, folder.file("access.1"));
    std::filesystem::create_directory(path);
    log.reopen();
    CHECK(log.flush(10s));
    log.access("still here");
    CHECK(log.flush(10s));
    CHECK(scratch::contents(folder.file("access.1")) == "still here\n");
    const std::string errors = scratch::contents(caught.path);
    CHECK(errors.find("\"level\":\"error\",\"msg\":\"cannot reopen") != errors.npos);
}

TEST_CASE(
    "a stalled output costs its lines only: callers go on, events are written, memory is bound")
{
    const scratch::Folder folder;
    scratch::Pipe pipe(4096);
    const std::string line(499, 'x');
    std::uint64_t dropped = 0;
    {
        const CaughtErrors caught(folder.file("errors"));
        const scratch::Borrowed borrowed(1, pipe.write_end);
        LogOptions options;
        options.capacity = 100'000;
        options.clock = fixed_time;
        Log log(options);
        for (int i = 0; i < 2000; ++i)  // a megabyte
            log.access(line);
        CHECK(log.dropped() >= 2000 - (100'000 + 4096) / 500);
        log.event(Level::error, "still heard");
        CHECK_FALSE(log.flush(20ms));
        for (int i = 0; i < 10'000 && scratch::contents(caught.path).empty(); ++i)
            std::this_thread::yield();
        CHECK(scratch::contents(caught.path).find("still heard") != std::string::npos);
        CHECK((::fcntl(1, F_GETFL) & O_NONBLOCK) == 0);

        // The reader wakes up: what was kept arrives, whole.
        std::string all;
        while (!log.flush(1ms))
            all += pipe.drain();
        all += pipe.drain();
        dropped = log.dropped();
        const auto lines = scratch::lines(all);
        CHECK(lines.size() == 2000 - dropped);
        CHECK(std::all_of(
            lines.begin(), lines.end(), [&](const std::string& got) { return got == line; }));
    }
    CHECK(dropped < 2000);
}

TEST_CASE("the end does not wait for a stalled output for ever")
{
    scratch::Pipe pipe(4096);
    const scratch::Borrowed borrowed(1, pipe.write_end);
    const auto threads = [] {
        const std::filesystem::directory_iterator tasks("/proc/self/task");
        return std::distance(begin(tasks), end(tasks));
    };
    std::ptrdiff_t with_log = 0;
    {
        Log log(LogOptions{});
        for (int i = 0; i < 100; ++i)
            log.access(std::string(499, 'x'));
        with_log = threads();
    }
    CHECK(pipe.drain().size() == 4000);  // and is here to be read
    // Nothing is left behind; the kernel lists a joined thread for a moment longer.
    for (int i = 0; i < 100'000 && threads() >= with_log; ++i)
        std::this_thread::yield();
    CHECK(threads() == with_log - 1);
}

TEST_CASE("a closed output and a full disk are counted and survived")
{
    SUBCASE("a closed output")
    {
        scratch::Pipe pipe;
        pipe.close_reader();
        const scratch::Borrowed borrowed(1, pipe.write_end);
        Log log(LogOptions{});
        log.access("one");
        log.access("two");
        CHECK(log.flush(10s));
        CHECK(log.dropped() == 2);
    }
    SUBCASE("a full disk")
    {
        Log log(to_file("/dev/full"));
        log.access("one");
        CHECK(log.flush(10s));
        CHECK(log.dropped() == 1);
    }
}

TEST_CASE("lines of many threads arrive whole, while events and reopening go on")
{
    const scratch::Folder folder;
    const std::string path = folder.file("access");
    {
        const CaughtErrors caught(folder.file("errors"));
        Log log(to_file(path));
        std::vector<std::thread> running;
        for (int t = 0; t < 4; ++t)
            running.emplace_back([&log, t] {
                for (int i = 0; i < 1000; ++i)
                    log.access("thread " + std::to_string(t) + " line " + std::to_string(i));
            });
        for (int i = 0; i < 20; ++i) {
            log.event(Level::info, "meanwhile");
            log.reopen();
            static_cast<void>(log.dropped());
        }
        for (std::thread& thread : running)
            thread.join();
        CHECK(log.flush(10s));
        CHECK(log.dropped() == 0);
        CHECK(scratch::lines(scratch::contents(caught.path)).size() == 20);
    }
    auto lines = scratch::lines(scratch::contents(path));
    std::sort(lines.begin(), lines.end());
    CHECK(lines.size() == 4000);
    CHECK(std::unique(lines.begin(), lines.end()) == lines.end());
    CHECK(std::binary_search(lines.begin(), lines.end(), "thread 3 line 999"));
}
