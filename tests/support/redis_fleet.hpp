// Several real servers for one test: a primary with a replica and three Sentinels, or a
// Cluster of three. Ended with the object, by their pids.

#pragma once

#include "redis_server.hpp"

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace orggate::test {

// A connection of its own to a local port, with blocking commands.
class RedisClient {
public:
    explicit RedisClient(std::uint16_t port);
    ~RedisClient();
    RedisClient(const RedisClient&) = delete;
    RedisClient& operator=(const RedisClient&) = delete;

    // All elements of the reply, nested ones flat; an error is its text, nil is "".
    std::vector<std::string> list(const std::vector<std::string>& words);
    std::string text(const std::vector<std::string>& words);
    // Without waiting for the reply: for what blocks the server.
    void send(const std::vector<std::string>& words);

private:
    struct Context;
    std::unique_ptr<Context> context_;
};

// A field of INFO ("errorstat_ASK" of "errorstats"); empty if it is not there.
std::string info(const RedisServer& server, const std::string& section, const std::string& field);

class SentinelSet {
public:
    // Ready to fail over: everybody knows everybody. down-after is 500 ms, quorum 2.
    // `password`: of the Sentinels, not of the servers.
    explicit SentinelSet(const std::string& name, const std::string& password = {});
    ~SentinelSet();
    SentinelSet(const SentinelSet&) = delete;
    SentinelSet& operator=(const SentinelSet&) = delete;

    std::vector<std::uint16_t> ports() const;
    void end_sentinel(std::size_t index);

    RedisServer primary, replica;

private:
    struct Process {
        std::uint16_t port = 0;
        int pid = -1;
    };
    void start(Process& process, std::size_t index);
    bool is_ready(const Process& process) const;

    std::string name_, password_;
    std::array<Process, 3> sentinels_;
};

class ClusterSet {
public:
    // Every slot is served; a node that is away takes only its own with it.
    ClusterSet();

    std::vector<std::uint16_t> ports() const;
    RedisServer& node(std::size_t index) { return *nodes_[index]; }
    static constexpr std::size_t size = 3;

    // A slot on its way, step by step.
    void begin_move(std::uint16_t slot, std::size_t from, std::size_t to);
    void move_keys(const std::vector<std::string>& keys, std::size_t from, std::size_t to);
    void end_move(std::uint16_t slot, std::size_t to);
    // Whose the slot is at first.
    std::size_t owner(std::uint16_t slot) const;

private:
    std::vector<std::unique_ptr<RedisServer>> nodes_;
    std::array<std::string, size> ids_;
};

}  // namespace orggate::test
