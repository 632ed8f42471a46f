// `orggate tenant` and `orggate limit`: one question to the running process.

#include "app/address_file.hpp"
#include "app/admin_request.hpp"
#include "app/commands.hpp"
#include "app/fetch.hpp"
#include "app/surroundings.hpp"

#include <boost/asio/co_spawn.hpp>

#include <cstdio>
#include <exception>

namespace orggate::app {
namespace {

constexpr Milliseconds patience{5'000};

int fail(const std::string& text, int code = 1)
{
    const auto line = "orggate: " + text + "\n";
    std::fwrite(line.data(), 1, line.size(), stderr);
    return code;
}

void print(std::FILE* to, std::string_view text)
{
    std::fwrite(text.data(), 1, text.size(), to);
}

// The token without the blanks around it; empty if there is no file or it cannot be sent.
std::string read_token(const Options& options, std::string& error)
{
    auto path = options.admin_token_file;
    if (!path) path = environment("ORGGATE_ADMIN_TOKEN_FILE");
    if (!path || path->empty()) return {};
    std::string why;
    auto text = read_file(*path, why);
    if (!text) {
        error = "cannot read " + *path + ": " + why;
        return {};
    }
    const auto from = text->find_first_not_of(" \t\r\n");
    const auto to = text->find_last_not_of(" \t\r\n");
    auto token = from == text->npos ? std::string() : text->substr(from, to - from + 1);
    for (const char c : token)
        if (c <= ' ' || c > '~') error = *path + " holds no token";
    return error.empty() ? token : std::string();
}

Fetched ask(const config::Address& address, const AdminRequest& request, std::string bytes)
{
    boost::asio::io_context io(1);
    net::Deadlines deadlines(io.get_executor());
    Fetched fetched;
    auto done = [&](std::exception_ptr, Fetched answer) {
        fetched = std::move(answer);
        deadlines.stop();
    };
    auto asked = fetch(address, nullptr, std::move(bytes), request.method, deadlines, patience);
    boost::asio::co_spawn(io, std::move(asked), done);
    io.run();
    return fetched;
}

}  // namespace

int ask_admin(const Options& options)
{
    auto text = options.address;
    const auto file = choose_address_file(options).path;
    if (!text) text = read_address(file, "admin");
    if (!text) return fail("no running process found: " + file + " names no admin address");
    const auto address = parse_address(*text);
    if (!address) return fail("--address expects host:port or unix:/path", 2);
    std::string error;
    const auto token = read_token(options, error);
    if (!error.empty()) return fail(error);

    const auto request = admin_request(options);
    const auto host = address->is_unix() ? std::string("localhost") : *text;
    const auto answer = ask(*address, request, to_bytes(request, host, token));
    if (answer.status == 0) return fail(*text + " does not answer");
    const bool is_good = answer.status == 200;
    print(is_good ? stdout : stderr,
        options.json ? answer.body : readable(options.command, answer.body));
    return is_good ? 0 : 1;
}

}  // namespace orggate::app
