// clerk_sim: a simulated Clerk instance on loopback, for tests and the quickstart.

#include "clerk.hpp"
#include "server.hpp"

#include <boost/asio/signal_set.hpp>

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <stdexcept>

namespace {

namespace asio = boost::asio;
using namespace clerk_sim;

constexpr const char* usage =
    "usage: clerk_sim [--listen 127.0.0.1:0] [--publishable-key K] [--secret-key S]\n"
    "                 [--tls-cert FILE --tls-key FILE] [--address-file FILE]\n";

struct Options {
    std::string listen = "127.0.0.1:0";
    std::string publishable_key = "pk_live_Y2xlcmsuZXhhbXBsZS5jb20k";  // clerk.example.com
    std::string secret_key = "sk_live_simulated";
    std::string tls_cert, tls_key, address_file;
};

Options parse_options(int count, char** words)
{
    Options options;
    for (int i = 1; i < count; i += 2) {
        const std::string_view name = words[i];
        std::string* value = name == "--listen"            ? &options.listen
                             : name == "--publishable-key" ? &options.publishable_key
                             : name == "--secret-key"      ? &options.secret_key
                             : name == "--tls-cert"        ? &options.tls_cert
                             : name == "--tls-key"         ? &options.tls_key
                             : name == "--address-file"    ? &options.address_file
                                                           : nullptr;
        if (!value || i + 1 == count)
            throw std::invalid_argument("unknown option or no value: " + std::string(name));
        *value = words[i + 1];
    }
    if (options.tls_cert.empty() != options.tls_key.empty())
        throw std::invalid_argument("--tls-cert and --tls-key go together");
    return options;
}

asio::ip::tcp::endpoint parse_address(const std::string& text)
{
    const auto colon = text.rfind(':');
    if (colon == text.npos) throw std::invalid_argument("--listen wants host:port");
    std::string host = text.substr(0, colon);
    if (host == "localhost") host = "127.0.0.1";
    if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
    const auto address = asio::ip::make_address(host);
    if (!address.is_loopback())
        throw std::invalid_argument("it mints tokens for everybody: loopback only");
    const int port = std::stoi(text.substr(colon + 1));
    if (port < 0 || port > 65535) throw std::invalid_argument("no such port");
    return {address, static_cast<asio::ip::port_type>(port)};
}

std::string address_of(const asio::ip::tcp::endpoint& endpoint)
{
    const std::string host = endpoint.address().to_string();
    return (endpoint.address().is_v6() ? "[" + host + "]" : host) + ":" +
           std::to_string(endpoint.port());
}

// Whole or not at all: who waits for the file may read it as soon as it is there.
void write_address_file(const std::string& file, const std::string& address)
{
    if (file.empty()) return;
    const std::string draft = file + ".new";
    std::ofstream(draft) << "{\"pid\":" << getpid() << ",\"listen\":[\"" << address << "\"]}\n";
    if (std::rename(draft.c_str(), file.c_str()) != 0)
        throw std::runtime_error("cannot write " + file);
}

int run(const Options& options)
{
    asio::ssl::context tls(asio::ssl::context::tls_server);
    const bool is_secure = !options.tls_cert.empty();
    if (is_secure) {
        tls.use_certificate_chain_file(options.tls_cert);
        tls.use_private_key_file(options.tls_key, asio::ssl::context::pem);
    }
    Clerk clerk(make_instance(options.publishable_key, options.secret_key), is_secure);
    asio::io_context loop(1);  // after what its connections refer to
    Server server{{loop, parse_address(options.listen)}, is_secure ? &tls : nullptr,
        [&](const Request& request) { return clerk.answer(request); },
        [&] { clerk.count_connection(); }};
    start(server);

    asio::signal_set signals(loop, SIGTERM, SIGINT);
    signals.async_wait([&](auto, auto) { loop.stop(); });
    const std::string address = address_of(server.acceptor.local_endpoint());
    std::cout << "clerk_sim listens on http" << (is_secure ? "s" : "") << "://" << address
              << std::endl;
    write_address_file(options.address_file, address);
    loop.run();
    return 0;
}

}  // namespace

int main(int count, char** words)
{
    Options options;
    try {
        options = parse_options(count, words);
    } catch (const std::exception& problem) {
        std::cerr << problem.what() << "\n" << usage;
        return 2;
    }
    try {
        return run(options);
    } catch (const std::exception& problem) {
        std::cerr << "clerk_sim: " << problem.what() << "\n";
        return 1;
    }
}
