#include "support/redis_server.hpp"

#include <hiredis/hiredis.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <thread>

namespace orggate::test {
namespace {

bool can_bind(std::uint16_t port, std::uint16_t& bound)
{
    const int descriptor = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(port);
    auto* raw = reinterpret_cast<sockaddr*>(&address);
    socklen_t size = sizeof address;
    const bool good =
        ::bind(descriptor, raw, size) == 0 && ::getsockname(descriptor, raw, &size) == 0;
    ::close(descriptor);
    bound = ntohs(address.sin_port);
    return good;
}

std::string in_folder(std::string text, const std::string& folder)
{
    for (auto at = text.find("{dir}"); at != text.npos; at = text.find("{dir}"))
        text.replace(at, 5, folder);
    return text;
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

}  // namespace

std::uint16_t free_port(bool with_bus)
{
    for (int tries = 0; tries < 1000; ++tries) {
        std::uint16_t port = 0, bus = 0;
        if (!can_bind(0, port)) continue;
        if (!with_bus) return port;
        if (port < 55'000 && can_bind(static_cast<std::uint16_t>(port + 10'000), bus)) return port;
    }
    throw std::runtime_error("no free port");
}

struct RedisServer::Client {
    explicit Client(const std::string& socket) : context(redisConnectUnix(socket.c_str())) {}
    ~Client() { redisFree(context); }
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;
    redisContext* context;
};

RedisServer::RedisServer(std::vector<std::string> more) : more_(std::move(more))
{
    char name[] = "/tmp/orggate-redis-XXXXXX";
    if (!::mkdtemp(name)) throw std::runtime_error("no folder for redis-server");
    folder_ = name;
    socket_ = folder_ + "/redis.sock";
    port_ = free_port();
    start();
}

RedisServer::~RedisServer()
{
    end();
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
}

void RedisServer::start()
{
    std::vector<std::string> words{"redis-server", "--port", std::to_string(port_), "--bind",
        "127.0.0.1", "--unixsocket", socket_, "--save", "", "--appendonly", "no", "--dir", folder_,
        "--logfile", folder_ + "/log"};
    for (const auto& word : more_)
        words.push_back(in_folder(word, folder_));
    std::vector<char*> arguments;
    for (auto& word : words)
        arguments.push_back(word.data());
    arguments.push_back(nullptr);
    pid_ = ::fork();
    if (pid_ == 0) {
        ::execvp("redis-server", arguments.data());
        ::_exit(127);
    }
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (std::chrono::steady_clock::now() < until) {
        client_ = std::make_unique<Client>(socket_);
        if (client_->context && client_->context->err == 0) return;
        int status = 0;
        if (::waitpid(pid_, &status, WNOHANG) == pid_) {
            pid_ = -1;
            throw std::runtime_error("redis-server did not start (is it installed?): " + folder_);
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    end();
    throw std::runtime_error("redis-server did not answer");
}

void RedisServer::end()
{
    client_.reset();
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    pid_ = -1;
    ::unlink(socket_.c_str());
}

void RedisServer::signal(int number) const
{
    ::kill(pid_, number);
}

std::vector<std::string> RedisServer::list(const std::vector<std::string>& words) const
{
    if (!client_ || client_->context->err != 0) client_ = std::make_unique<Client>(socket_);
    std::vector<const char*> arguments;
    std::vector<std::size_t> sizes;
    for (const auto& word : words) {
        arguments.push_back(word.data());
        sizes.push_back(word.size());
    }
    auto* reply = static_cast<redisReply*>(redisCommandArgv(
        client_->context, static_cast<int>(words.size()), arguments.data(), sizes.data()));
    if (!reply) throw std::runtime_error("redis-server has gone");
    std::vector<std::string> out;
    flatten(*reply, out);
    freeReplyObject(reply);
    return out;
}

std::string RedisServer::text(const std::vector<std::string>& words) const
{
    const auto all = list(words);
    return all.empty() ? std::string() : all.front();
}

std::vector<std::int64_t> RedisServer::integers(const std::vector<std::string>& words) const
{
    std::vector<std::int64_t> out;
    for (const auto& word : list(words)) {
        char* end = nullptr;
        out.push_back(std::strtoll(word.c_str(), &end, 10));
        if (end == word.c_str()) throw std::runtime_error("not an integer: " + word);
    }
    return out;
}

}  // namespace orggate::test
