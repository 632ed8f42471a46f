// demo_app: shows what reaches an app behind the gate.

#include "app.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>

#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <iostream>
#include <stdexcept>

namespace {

namespace asio = boost::asio;
using namespace demo_app;

constexpr const char* usage =
    "usage: demo_app [--listen 127.0.0.1:0] [--address-file FILE] [--link LABEL=URL]...\n";

struct Options {
    std::string listen = "127.0.0.1:0", address_file;
    std::vector<Link> links;
};

Options parse_options(int count, char** words)
{
    Options options;
    for (int i = 1; i < count; i += 2) {
        const std::string name = words[i];
        const std::string value = i + 1 < count ? words[i + 1] : "";
        const auto equals = value.find('=');
        if (name == "--listen")
            options.listen = value;
        else if (name == "--address-file")
            options.address_file = value;
        else if (name == "--link" && equals != value.npos)
            options.links.push_back({value.substr(0, equals), value.substr(equals + 1)});
        else
            throw std::invalid_argument("unknown option or no value: " + name);
    }
    return options;
}

asio::ip::tcp::endpoint parse_address(const std::string& text)
{
    const auto colon = text.rfind(':');
    if (colon == text.npos) throw std::invalid_argument("--listen wants host:port");
    const int port = std::stoi(text.substr(colon + 1));
    if (port < 0 || port > 65535) throw std::invalid_argument("no such port");
    return {asio::ip::make_address(text.substr(0, colon)), static_cast<asio::ip::port_type>(port)};
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
    asio::io_context loop(1);
    asio::ip::tcp::acceptor acceptor(loop, parse_address(options.listen));
    start(acceptor, options.links);
    asio::signal_set signals(loop, SIGTERM, SIGINT);
    signals.async_wait([&](auto, auto) { loop.stop(); });
    const auto at = acceptor.local_endpoint();
    const std::string address = at.address().to_string() + ":" + std::to_string(at.port());
    std::cout << "demo_app listens on http://" << address << std::endl;
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
        std::cerr << "demo_app: " << problem.what() << "\n";
        return 1;
    }
}
