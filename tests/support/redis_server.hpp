// A real redis-server for one test: on a free loopback port and a unix socket in a folder of
// its own, without persistence. Ended with the object, by its pid.

#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace orggate::test {

// A free port; for a Cluster node also free at port + 10000.
std::uint16_t free_port(bool with_bus = false);

class RedisServer {
public:
    // `more`: further arguments, such as {"--maxmemory", "1mb"}. `{dir}` in them is the folder.
    explicit RedisServer(std::vector<std::string> more = {});
    ~RedisServer();
    RedisServer(const RedisServer&) = delete;
    RedisServer& operator=(const RedisServer&) = delete;

    std::uint16_t port() const { return port_; }
    const std::string& socket() const { return socket_; }
    const std::string& folder() const { return folder_; }
    int pid() const { return pid_; }

    // SIGSTOP, SIGCONT, SIGTERM ...
    void signal(int number) const;
    // Ends it and, with start(), starts it again on the same port, empty.
    void end();
    void start();

    // A blocking command over the unix socket. `text`: a string, status or error ("ERR ...") or
    // the decimal of an integer; nil is "". `list`: the elements of an array, nested ones flat.
    std::string text(const std::vector<std::string>& words) const;
    std::vector<std::string> list(const std::vector<std::string>& words) const;
    std::vector<std::int64_t> integers(const std::vector<std::string>& words) const;

private:
    struct Client;
    std::vector<std::string> more_;
    std::string folder_, socket_;
    std::uint16_t port_ = 0;
    int pid_ = -1;
    mutable std::unique_ptr<Client> client_;
};

}  // namespace orggate::test
