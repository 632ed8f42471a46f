// Files, pipes and borrowed standard streams for the tests of what writes.

#pragma once

#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include <fcntl.h>
#include <unistd.h>

namespace scratch {

class Folder {
public:
    Folder()
    {
        std::string name = (std::filesystem::temp_directory_path() / "orggate-XXXXXX").string();
        REQUIRE(::mkdtemp(name.data()) != nullptr);
        path_ = name;
    }
    ~Folder() { std::filesystem::remove_all(path_); }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;

    std::string file(const std::string& name) const { return (path_ / name).string(); }

private:
    std::filesystem::path path_;
};

inline std::string contents(const std::string& path)
{
    std::ifstream in(path, std::ios::binary);
    std::ostringstream out;
    out << in.rdbuf();
    return out.str();
}

inline std::vector<std::string> lines(const std::string& text)
{
    std::vector<std::string> found;
    std::istringstream in(text);
    for (std::string line; std::getline(in, line);)
        found.push_back(line);
    return found;
}

struct Pipe {
    int read_end = -1, write_end = -1;

    explicit Pipe(int bytes = 0)
    {
        int ends[2];
        REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
        read_end = ends[0];
        write_end = ends[1];
        if (bytes > 0) REQUIRE(::fcntl(write_end, F_SETPIPE_SZ, bytes) >= bytes);
    }
    ~Pipe()
    {
        close_reader();
        ::close(write_end);
    }
    Pipe(const Pipe&) = delete;
    Pipe& operator=(const Pipe&) = delete;

    void close_reader()
    {
        if (read_end >= 0) ::close(read_end);
        read_end = -1;
    }

    // What is in the pipe now.
    std::string drain()
    {
        ::fcntl(read_end, F_SETFL, O_NONBLOCK);
        std::string all;
        char buffer[65536];
        for (ssize_t n; (n = ::read(read_end, buffer, sizeof buffer)) > 0;)
            all.append(buffer, static_cast<std::size_t>(n));
        return all;
    }
};

// Puts another descriptor in the place of a standard stream, for a while.
class Borrowed {
public:
    Borrowed(int stream, int replacement) : stream_(stream), kept_(::dup(stream))
    {
        ::dup2(replacement, stream);
    }
    ~Borrowed()
    {
        ::dup2(kept_, stream_);
        ::close(kept_);
    }
    Borrowed(const Borrowed&) = delete;
    Borrowed& operator=(const Borrowed&) = delete;

private:
    int stream_, kept_;
};

}  // namespace scratch
