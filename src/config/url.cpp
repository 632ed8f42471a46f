#include "config/url.hpp"

#include "config/text.hpp"

#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>

#include <algorithm>
#include <arpa/inet.h>

namespace orggate::config {

namespace {

// The longest path a unix socket address holds on Linux.
constexpr std::size_t unix_path_limit = 107;

std::string bracketed(const std::string& host)
{
    return host.find(':') == std::string::npos ? host : "[" + host + "]";
}

std::optional<std::uint16_t> parse_port(std::string_view text)
{
    const auto number = text.size() <= 5 ? parse_integer(text) : std::nullopt;
    if (!number || *number > 65535) return std::nullopt;
    return static_cast<std::uint16_t>(*number);
}

std::optional<Address> parse_unix(std::string_view text)
{
    Address address;
    address.unix_path = text.substr(5);
    const bool is_good = address.unix_path.starts_with('/') && address.unix_path.size() > 1 &&
                         address.unix_path.size() <= unix_path_limit;
    return is_good ? std::optional(address) : std::nullopt;
}

std::string_view without_brackets(std::string_view host)
{
    if (host.starts_with('[') && host.ends_with(']')) return host.substr(1, host.size() - 2);
    return host;
}

// Boost.URL's own authority rule refuses names that begin like an address.
bool read_authority(std::string_view text, Url& url)
{
    const auto address = parse_host_port(text, std::uint16_t(url.is_https ? 443 : 80));
    if (!address) return false;
    url.host = address->host;
    url.port = address->port;
    return true;
}

bool read_path(std::string_view text, Url& url)
{
    const auto form = text.starts_with('/') ? std::string(text) : "/" + std::string(text);
    const auto parsed = boost::urls::parse_origin_form(form);
    if (!parsed) return false;
    url.path = text.substr(0, text.find('?'));
    url.has_query = parsed->has_query();
    return true;
}

}  // namespace

std::string Url::authority() const
{
    const bool is_default = port == (is_https ? 443 : 80);
    return bracketed(host) + (is_default ? "" : ":" + std::to_string(port));
}

std::string Url::origin() const
{
    return (is_https ? "https://" : "http://") + authority();
}

std::optional<Url> parse_url(std::string_view text)
{
    const auto colon = text.find("://");
    if (colon == std::string_view::npos) return std::nullopt;
    const auto scheme = to_lower(text.substr(0, colon));
    if (scheme != "http" && scheme != "https") return std::nullopt;
    Url url;
    url.is_https = scheme == "https";
    url.text = text;
    const auto rest = text.substr(colon + 3);
    const auto end = std::min(rest.find_first_of("/?#"), rest.size());
    if (!read_authority(rest.substr(0, end), url)) return std::nullopt;
    if (!read_path(rest.substr(end), url)) return std::nullopt;
    return url;
}

std::optional<Address> parse_host_port(
    std::string_view text, std::optional<std::uint16_t> default_port)
{
    const auto bracket = text.rfind(']');
    const auto colon = text.find(':', bracket == std::string_view::npos ? 0 : bracket);
    const auto host = text.substr(0, colon);
    Address address;
    address.host = to_lower(without_brackets(host));
    const bool is_bracketed = host.size() != address.host.size();
    const bool is_v6 = address.host.find(':') != std::string::npos;
    if (is_bracketed != is_v6 || !is_host_name(address.host)) return std::nullopt;
    const auto port =
        colon == std::string_view::npos ? default_port : parse_port(text.substr(colon + 1));
    if (!port || *port == 0) return std::nullopt;
    address.port = *port;
    return address;
}

bool is_same(const Address& a, const Address& b)
{
    if (a.is_unix() || b.is_unix()) return a.unix_path == b.unix_path;
    return a.host == b.host && a.port == b.port && a.port != 0;
}

bool is_ip_address(std::string_view text)
{
    const std::string address(text);
    unsigned char bytes[16];
    return inet_pton(AF_INET, address.c_str(), bytes) == 1 ||
           inet_pton(AF_INET6, address.c_str(), bytes) == 1;
}

bool is_loopback(std::string_view host)
{
    if (host == "localhost" || host == "::1") return true;
    return host.starts_with("127.") && is_ip_address(host);
}

bool is_host_name(std::string_view text)
{
    if (is_ip_address(text)) return true;
    if (text.empty() || text.size() > 253) return false;
    while (true) {
        const auto label = text.substr(0, text.find('.'));
        const bool is_good =
            !label.empty() && label.size() <= 63 && label.front() != '-' && label.back() != '-' &&
            label.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                    "0123456789-_") == std::string_view::npos;
        if (!is_good) return false;
        if (label.size() == text.size()) break;
        text.remove_prefix(label.size() + 1);
    }
    // An address with a mistake in it is not a name.
    return text.find_first_not_of("0123456789") != std::string_view::npos;
}

std::optional<Address> parse_listen_address(std::string_view text)
{
    if (text.starts_with("unix:")) return parse_unix(text);
    const auto colon = text.rfind(':');
    if (colon == std::string_view::npos) return std::nullopt;
    auto host = text.substr(0, colon);
    // A bare IPv6 address would lose its last group to the port.
    if (host.find(':') != std::string_view::npos && !host.starts_with('[')) return std::nullopt;
    host = without_brackets(host);
    const auto port = parse_port(text.substr(colon + 1));
    if (host == "localhost") host = "127.0.0.1";
    if (!port || !is_ip_address(host)) return std::nullopt;
    return Address{std::string(host), *port, {}};
}

}  // namespace orggate::config
