#include "redis_fleet.hpp"

#include <hiredis/hiredis.h>

#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <fstream>
#include <functional>
#include <stdexcept>
#include <thread>

namespace orggate::test {
namespace {

constexpr int slots = 16'384;

void wait_until(const std::string& what, const std::function<bool()>& condition)
{
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    while (!condition()) {
        if (std::chrono::steady_clock::now() > end) throw std::runtime_error("never: " + what);
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
}

void flatten(const redisReply& reply, std::vector<std::string>& out)
{
    switch (reply.type) {
        case REDIS_REPLY_ARRAY:
            for (std::size_t i = 0; i < reply.elements; ++i)
                flatten(*reply.element[i], out);
            return;
        case REDIS_REPLY_INTEGER: out.push_back(std::to_string(reply.integer)); return;
        case REDIS_REPLY_NIL: out.emplace_back(); return;
        default: out.emplace_back(reply.str, static_cast<std::size_t>(reply.len)); return;
    }
}

std::string field(const std::string& text, const std::string& name)
{
    const std::size_t at = text.find("\n" + name + ":");
    if (at == text.npos) return {};
    const std::size_t begin = at + name.size() + 2;
    return text.substr(begin, text.find('\r', begin) - begin);
}

}  // namespace

struct RedisClient::Context {
    explicit Context(std::uint16_t port) : native(redisConnect("127.0.0.1", port)) {}
    ~Context() { redisFree(native); }
    Context(const Context&) = delete;
    Context& operator=(const Context&) = delete;

    void append(const std::vector<std::string>& words)
    {
        std::vector<const char*> arguments;
        std::vector<std::size_t> sizes;
        for (const auto& word : words) {
            arguments.push_back(word.data());
            sizes.push_back(word.size());
        }
        redisAppendCommandArgv(
            native, static_cast<int>(words.size()), arguments.data(), sizes.data());
    }

    redisContext* native;
};

RedisClient::RedisClient(std::uint16_t port) : context_(std::make_unique<Context>(port)) {}
RedisClient::~RedisClient() = default;

std::vector<std::string> RedisClient::list(const std::vector<std::string>& words)
{
    context_->append(words);
    void* reply = nullptr;
    if (redisGetReply(context_->native, &reply) != REDIS_OK)
        throw std::runtime_error("the server has gone");
    std::vector<std::string> out;
    flatten(*static_cast<redisReply*>(reply), out);
    freeReplyObject(reply);
    return out;
}

std::string RedisClient::text(const std::vector<std::string>& words)
{
    const auto all = list(words);
    return all.empty() ? std::string() : all.front();
}

void RedisClient::send(const std::vector<std::string>& words)
{
    context_->append(words);
    int is_done = 0;
    while (is_done == 0)
        if (redisBufferWrite(context_->native, &is_done) != REDIS_OK)
            throw std::runtime_error("the server has gone");
}

std::string info(const RedisServer& server, const std::string& section, const std::string& name)
{
    return field(server.text({"INFO", section}), name);
}

SentinelSet::SentinelSet(const std::string& name, const std::string& password)
    : primary({"--repl-diskless-sync-delay", "0"}),
      replica({"--replicaof", "127.0.0.1", std::to_string(primary.port())}),
      name_(name),
      password_(password)
{
    // A Sentinel asks the primary for its replicas at once and then only every 10 s.
    wait_until("replica", [this] {
        return info(replica, "replication", "master_link_status") == "up" &&
               info(primary, "replication", "slave0").find("state=online") != std::string::npos;
    });
    try {
        for (std::size_t i = 0; i < sentinels_.size(); ++i)
            start(sentinels_[i], i);
        for (const Process& process : sentinels_)
            wait_until("sentinels", [&] { return is_ready(process); });
    } catch (...) {
        for (std::size_t i = 0; i < sentinels_.size(); ++i)
            end_sentinel(i);
        throw;
    }
}

SentinelSet::~SentinelSet()
{
    for (std::size_t i = 0; i < sentinels_.size(); ++i)
        end_sentinel(i);
}

std::vector<std::uint16_t> SentinelSet::ports() const
{
    std::vector<std::uint16_t> ports;
    for (const Process& process : sentinels_)
        ports.push_back(process.port);
    return ports;
}

void SentinelSet::end_sentinel(std::size_t index)
{
    Process& process = sentinels_[index];
    if (process.pid <= 0) return;
    ::kill(process.pid, SIGKILL);
    ::waitpid(process.pid, nullptr, 0);
    process.pid = -1;
}

void SentinelSet::start(Process& process, std::size_t index)
{
    process.port = free_port();
    const std::string base = primary.folder() + "/sentinel" + std::to_string(index);
    std::ofstream file(base + ".conf");
    file << "port " << process.port << "\nbind 127.0.0.1\ndir " << primary.folder() << "\nlogfile "
         << base << ".log\nsentinel monitor " << name_ << " 127.0.0.1 " << primary.port()
         << " 2\nsentinel down-after-milliseconds " << name_ << " 500\nsentinel failover-timeout "
         << name_ << " 3000\n";
    if (!password_.empty())
        file << "requirepass " << password_ << "\nsentinel sentinel-pass " << password_ << "\n";
    file.close();
    std::string path = base + ".conf", program = "redis-server", mode = "--sentinel";
    char* arguments[] = {program.data(), path.data(), mode.data(), nullptr};
    process.pid = ::fork();
    if (process.pid == 0) {
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);  // also if the test is killed
        ::execvp("redis-server", arguments);
        ::_exit(127);
    }
}

bool SentinelSet::is_ready(const Process& process) const
{
    try {
        RedisClient client(process.port);
        if (!password_.empty()) client.text({"AUTH", password_});
        const auto all = client.list({"SENTINEL", "MASTER", name_});
        int good = 0;
        for (std::size_t i = 0; i + 1 < all.size(); ++i) {
            if (all[i] == "num-slaves" && all[i + 1] == "1") ++good;
            if (all[i] == "num-other-sentinels" && all[i + 1] == "2") ++good;
        }
        return good == 2;
    } catch (const std::runtime_error&) {
        return false;  // it does not listen yet
    }
}

ClusterSet::ClusterSet()
{
    std::array<std::string, size> bus_ports;
    for (std::size_t i = 0; i < size; ++i) {
        bus_ports[i] = std::to_string(free_port());
        const std::vector<std::string> more = {"--cluster-enabled", "yes", "--cluster-port",
            bus_ports[i], "--cluster-node-timeout", "1000", "--cluster-require-full-coverage",
            "no"};
        nodes_.push_back(std::make_unique<RedisServer>(more));
        const RedisServer& node = *nodes_.back();
        ids_[i] = node.text({"CLUSTER", "MYID"});
        node.text({"CLUSTER", "SET-CONFIG-EPOCH", std::to_string(i + 1)});
        const std::size_t first = i * slots / size, last = (i + 1) * slots / size - 1;
        node.text({"CLUSTER", "ADDSLOTSRANGE", std::to_string(first), std::to_string(last)});
        if (i > 0)
            node.text(
                {"CLUSTER", "MEET", "127.0.0.1", std::to_string(nodes_[0]->port()), bus_ports[0]});
    }
    for (const auto& node : nodes_)
        wait_until("cluster", [&] {
            const std::string state = node->text({"CLUSTER", "INFO"});
            return state.find("cluster_slots_ok:16384") != state.npos &&
                   state.find("cluster_known_nodes:3") != state.npos &&
                   state.find("cluster_state:ok") != state.npos;
        });
}

std::vector<std::uint16_t> ClusterSet::ports() const
{
    std::vector<std::uint16_t> ports;
    for (const auto& node : nodes_)
        ports.push_back(node->port());
    return ports;
}

std::size_t ClusterSet::owner(std::uint16_t slot) const
{
    std::size_t index = 0;
    while ((index + 1) * slots / size <= slot)
        ++index;
    return index;
}

void ClusterSet::begin_move(std::uint16_t slot, std::size_t from, std::size_t to)
{
    nodes_[to]->text({"CLUSTER", "SETSLOT", std::to_string(slot), "IMPORTING", ids_[from]});
    nodes_[from]->text({"CLUSTER", "SETSLOT", std::to_string(slot), "MIGRATING", ids_[to]});
}

void ClusterSet::move_keys(const std::vector<std::string>& keys, std::size_t from, std::size_t to)
{
    std::vector<std::string> words = {
        "MIGRATE", "127.0.0.1", std::to_string(nodes_[to]->port()), "", "0", "5000", "KEYS"};
    words.insert(words.end(), keys.begin(), keys.end());
    const std::string said = nodes_[from]->text(words);
    if (said != "OK") throw std::runtime_error("MIGRATE: " + said);
}

// The new owner first, so that nobody is sent to a node that does not know yet.
void ClusterSet::end_move(std::uint16_t slot, std::size_t to)
{
    nodes_[to]->text({"CLUSTER", "SETSLOT", std::to_string(slot), "NODE", ids_[to]});
    for (const auto& node : nodes_)
        node->text({"CLUSTER", "SETSLOT", std::to_string(slot), "NODE", ids_[to]});
}

}  // namespace orggate::test
