#include "observe/sink.hpp"

#include "observe/scratch.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <csignal>
#include <string>
#include <system_error>

#include <sys/resource.h>
#include <sys/stat.h>

using orggate::observe::Sink;

namespace {

class Ignored {
public:
    explicit Ignored(int signal) : signal_(signal), before_(::signal(signal, SIG_IGN)) {}
    ~Ignored() { ::signal(signal_, before_); }
    Ignored(const Ignored&) = delete;
    Ignored& operator=(const Ignored&) = delete;

private:
    int signal_;
    void (*before_)(int);
};

class FileSizeLimit {
public:
    explicit FileSizeLimit(rlim_t bytes)
    {
        ::getrlimit(RLIMIT_FSIZE, &before_);
        rlimit lower = before_;
        lower.rlim_cur = bytes;
        ::setrlimit(RLIMIT_FSIZE, &lower);
    }
    ~FileSizeLimit() { ::setrlimit(RLIMIT_FSIZE, &before_); }
    FileSizeLimit(const FileSizeLimit&) = delete;
    FileSizeLimit& operator=(const FileSizeLimit&) = delete;

private:
    rlimit before_{};
};

}  // namespace

TEST_CASE("a file is appended to and made for its group at most")
{
    const scratch::Folder folder;
    const std::string path = folder.file("access.log");
    {
        Sink sink(path);
        sink.backlog() = "one\n";
        CHECK(sink.write_some() == 4);
        CHECK(sink.is_idle());
        sink.backlog() += "two\n";
        CHECK(sink.write_some() == 4);
    }
    {
        Sink sink(path);
        sink.backlog() += "three\n";
        CHECK(sink.write_some() == 6);
    }
    CHECK(scratch::contents(path) == "one\ntwo\nthree\n");
    struct stat facts {};
    REQUIRE(::stat(path.c_str(), &facts) == 0);
    CHECK((facts.st_mode & 07137) == 0);
}

TEST_CASE("a path that can't be opened throws at first, and later changes nothing")
{
    const scratch::Folder folder;
    CHECK_THROWS_AS(Sink(folder.file("no/such/folder")), std::system_error);
    CHECK_THROWS_AS(Sink(folder.file("")), std::system_error);
    const std::string path = folder.file("access.log");
    Sink sink(path);
    std::filesystem::rename(path, folder.file("old.log"));
    std::filesystem::create_directory(path);
    CHECK_FALSE(sink.reopen());
    sink.backlog() += "kept\n";
    sink.write_some();
    CHECK(scratch::contents(folder.file("old.log")) == "kept\n");
}

TEST_CASE("a pipe gets whole lines in pieces that arrive undivided")
{
    scratch::Pipe pipe(65536);
    Sink a(pipe.write_end), b(pipe.write_end);
    for (int i = 0; i < 40; ++i) {
        a.backlog() += std::string(700, 'a') + "\n";
        b.backlog() += std::string(900, 'b') + "\n";
    }
    std::string all;
    while (!a.is_idle() || !b.is_idle()) {
        a.write_some();
        b.write_some();
        all += pipe.drain();
    }
    for (const std::string& line : scratch::lines(all))
        CHECK((line == std::string(700, 'a') || line == std::string(900, 'b')));
    CHECK(scratch::lines(all).size() == 80);
}

TEST_CASE("a pipe that nobody reads takes what it holds and never makes us wait")
{
    scratch::Pipe pipe(4096);
    Sink sink(pipe.write_end);
    for (int i = 0; i < 100; ++i)
        sink.backlog() += std::string(999, 'x') + "\n";
    std::size_t gone = sink.write_some();
    CHECK(gone <= 4096);
    CHECK_FALSE(sink.is_idle());
    CHECK(sink.write_some() == 0);
    CHECK((::fcntl(pipe.write_end, F_GETFL) & O_NONBLOCK) == 0);
    std::string all = pipe.drain();
    while (!sink.is_idle()) {
        gone += sink.write_some();
        all += pipe.drain();
    }
    CHECK(gone == 100'000);
    CHECK(all.size() == 100'000);
    CHECK(sink.lost_lines() == 0);
}

TEST_CASE("a line longer than an undivided write still arrives")
{
    scratch::Pipe pipe(65536);
    Sink sink(pipe.write_end);
    sink.backlog() = std::string(10'000, 'x') + "\n";
    CHECK(sink.write_some() == 10'001);
    CHECK(pipe.drain() == std::string(10'000, 'x') + "\n");
}

TEST_CASE("a reader that has gone and a full disk cost the lines, counted")
{
    const Ignored no_signal(SIGPIPE);
    SUBCASE("a closed pipe")
    {
        scratch::Pipe pipe;
        pipe.close_reader();
        Sink sink(pipe.write_end);
        sink.backlog() = "one\ntwo\n";
        CHECK(sink.write_some() == 8);
        CHECK(sink.lost_lines() == 2);
        CHECK(sink.is_idle());
    }
    SUBCASE("a full disk")
    {
        Sink sink("/dev/full");
        sink.backlog() = "one\n";
        CHECK(sink.write_some() == 4);
        CHECK(sink.lost_lines() == 1);
    }
    SUBCASE("a closed descriptor")
    {
        Sink sink(9999);
        sink.backlog() = "one\n";
        CHECK(sink.write_some() == 4);
        CHECK(sink.lost_lines() == 1);
    }
}

TEST_CASE("after a line that was cut off by an error the next one starts afresh")
{
    const Ignored no_signal(SIGXFSZ);
    const scratch::Folder folder;
    const std::string path = folder.file("access.log");
    Sink sink(path);
    {
        const FileSizeLimit limit(10);
        sink.backlog() = "whole\ncut off\nlost\n";
        CHECK(sink.write_some() == 19);
        CHECK(sink.lost_lines() == 2);
        sink.backlog() += "lost too\n";
        CHECK(sink.write_some() == 9);
        CHECK(sink.lost_lines() == 3);
    }
    sink.backlog() += "next\n";
    CHECK(sink.write_some() == 5);
    CHECK(scratch::contents(path) == "whole\ncut \nnext\n");
}

TEST_CASE("a reopened file starts without the old one's half line")
{
    const Ignored no_signal(SIGXFSZ);
    const scratch::Folder folder;
    const std::string path = folder.file("access.log");
    Sink sink(path);
    {
        const FileSizeLimit limit(3);
        sink.backlog() = "cut off\n";
        sink.write_some();
    }
    std::filesystem::rename(path, folder.file("old.log"));
    REQUIRE(sink.reopen());
    sink.backlog() += "new\n";
    sink.write_some();
    CHECK(scratch::contents(path) == "new\n");
    CHECK(scratch::contents(folder.file("old.log")) == "cut");
}
