#include "app/fetch.hpp"

#include "orggate/http/head_scan.hpp"
#include "orggate/http/response_head.hpp"
#include "orggate/net/connect.hpp"
#include "orggate/net/input.hpp"

namespace orggate::app {
namespace {

constexpr std::size_t most_body = 4u << 20;

// The status; the body's beginning is left in `input`. 0: no answer in time.
Awaitable<int> read_status(net::Input& input, std::string method, Milliseconds deadline)
{
    http::HeadScan scan(http::HeadKind::response, {});
    for (std::size_t scanned = 0;;) {
        const auto unread = input.unread();
        const auto end = scan.feed(unread.substr(scanned));
        if (!end) co_return 0;
        if (*end) {
            http::ResponseHead head;
            const auto read = http::read_response_head(unread.substr(0, **end), method, head);
            const int status = read ? head.status : 0;
            input.consume(**end);
            co_return status;
        }
        scanned = unread.size();
        const auto more = co_await input.fill(deadline);
        if (more.error) co_return 0;
    }
}

}  // namespace

Awaitable<Fetched> fetch(config::Address address, net::ClientContext* tls, std::string request,
    std::string method, net::Deadlines& deadlines, Milliseconds deadline)
{
    Fetched fetched;
    auto connected = co_await net::connect(std::move(address), tls, deadlines, deadline);
    if (!connected.stream) co_return fetched;
    const auto sent = co_await connected.stream->write(request, deadline);
    if (sent.error) co_return fetched;
    net::Input input(*connected.stream, 4096, 4096);
    fetched.status = co_await read_status(input, std::move(method), deadline);
    if (fetched.status == 0) co_return fetched;
    while (fetched.body.size() < most_body) {
        fetched.body.append(input.unread());
        input.consume(input.unread().size());
        const auto more = co_await input.fill(deadline);
        if (more.error) break;
    }
    co_return fetched;
}

Awaitable<int> get_status(config::Address address, net::ClientContext* tls, std::string host,
    std::string path, net::Deadlines& deadlines, Milliseconds deadline)
{
    auto connected = co_await net::connect(std::move(address), tls, deadlines, deadline);
    if (!connected.stream) co_return 0;
    const auto request = "GET " + path + " HTTP/1.1\r\nHost: " + host +
                         "\r\nUser-Agent: orggate\r\nConnection: close\r\n\r\n";
    const auto sent = co_await connected.stream->write(request, deadline);
    if (sent.error) co_return 0;
    net::Input input(*connected.stream, 4096, 4096);
    co_return co_await read_status(input, "GET", deadline);
}

}  // namespace orggate::app
