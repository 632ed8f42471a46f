#include "orggate/http/client_address.hpp"

#include "http/host_syntax.hpp"
#include "http/octets.hpp"
#include "http/token_list.hpp"
#include "orggate/http/managed_fields.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>

namespace orggate::http {

namespace {

using Bytes = std::array<unsigned char, 16>;

constexpr std::size_t max_hops = 32;
constexpr int mapped_bits = 96;  // ::ffff:0:0/96 holds the IPv4 addresses
constexpr Bytes mapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0, 0, 0};

bool is_mapped(const Bytes& address)
{
    return std::equal(mapped.begin(), mapped.begin() + 12, address.begin());
}

// Strict textual forms only: `010.1.1.1` and `10.1` are not addresses.
std::optional<Bytes> parse_address(std::string_view text)
{
    std::array<char, INET6_ADDRSTRLEN> terminated{};
    if (text.empty() || text.size() >= terminated.size()) return {};
    if (text.find('\0') != std::string_view::npos) return {};
    std::copy(text.begin(), text.end(), terminated.begin());
    Bytes address = mapped;
    if (inet_pton(AF_INET, terminated.data(), address.data() + 12) == 1) return address;
    if (inet_pton(AF_INET6, terminated.data(), address.data()) == 1) return address;
    return {};
}

std::string to_text(const Bytes& address)
{
    std::array<char, INET6_ADDRSTRLEN> text{};
    if (is_mapped(address))
        inet_ntop(AF_INET, address.data() + 12, text.data(), text.size());
    else
        inet_ntop(AF_INET6, address.data(), text.data(), text.size());
    return text.data();
}

bool holds(const Network& network, const Bytes& address)
{
    // `::/0` means every IPv6 address, not also every IPv4 one.
    if (network.prefix < mapped_bits && is_mapped(address)) return false;
    const auto whole = static_cast<std::size_t>(network.prefix / 8);
    if (!std::equal(address.begin(), address.begin() + static_cast<std::ptrdiff_t>(whole),
            network.address.begin()))
        return false;
    const int rest = network.prefix % 8;
    if (rest == 0) return true;
    const auto mask = static_cast<unsigned char>(0xff << (8 - rest));
    return (address[whole] & mask) == (network.address[whole] & mask);
}

bool holds(const std::vector<Network>& networks, const Bytes& address)
{
    return std::any_of(networks.begin(), networks.end(),
        [&](const Network& network) { return holds(network, address); });
}

std::string_view without_scope(std::string_view text)
{
    return text.substr(0, text.find('%'));
}

bool is_port(std::string_view text)
{
    return !text.empty() && text.size() <= 5 && std::all_of(text.begin(), text.end(), is_digit);
}

// `10.1.1.1`, `10.1.1.1:80`, `::1`, `[::1]`, `[::1]:80`. Nothing for `unknown`, `_hidden`.
std::optional<Bytes> parse_hop(std::string_view text)
{
    if (text.starts_with('[')) {
        const auto end = text.find(']');
        if (end == std::string_view::npos) return {};
        const std::string_view after = text.substr(end + 1);
        if (!after.empty() && (after.front() != ':' || !is_port(after.substr(1)))) return {};
        return parse_address(text.substr(1, end - 1));
    }
    const auto colon = text.find(':');
    if (colon != std::string_view::npos && text.find(':', colon + 1) == std::string_view::npos) {
        if (!is_port(text.substr(colon + 1))) return {};
        text = text.substr(0, colon);
    }
    return parse_address(text);
}

// Takes the last element from the back of a comma list.
std::string_view take_last(std::string_view& list)
{
    const auto comma = list.rfind(',');
    const std::string_view element =
        trim_blanks(comma == std::string_view::npos ? list : list.substr(comma + 1));
    list = comma == std::string_view::npos ? std::string_view() : list.substr(0, comma);
    return element;
}

// The value nearest to us: what the trusted peer itself said.
std::string_view find_last(const RequestHead& head, std::string_view name)
{
    for (auto field = head.fields.rbegin(); field != head.fields.rend(); ++field) {
        if (!same_name(field->name, name)) continue;
        std::string_view list = field->value;
        return take_last(list);
    }
    return {};
}

// The hops from the client to the trusted peer, nearest first.
struct Chain {
    std::vector<Bytes> hops;
    const std::vector<Network>& trusted;

    // False where the walk ends: at the client, at what is no address, or at too many.
    bool add(std::string_view element)
    {
        if (element.empty()) return true;
        const auto address = parse_hop(element);
        if (!address) return false;
        hops.push_back(*address);
        return hops.size() < max_hops && holds(trusted, *address);
    }
};

void walk(const RequestHead& head, Chain& chain)
{
    for (auto field = head.fields.rbegin(); field != head.fields.rend(); ++field) {
        if (!same_name(field->name, "X-Forwarded-For")) continue;
        std::string_view list = field->value;
        while (!list.empty())
            if (!chain.add(take_last(list))) return;
    }
}

void believe_peer(const RequestHead& head, const std::vector<Network>& trusted, Client& client)
{
    Chain chain{{}, trusted};
    walk(head, chain);
    if (!chain.hops.empty()) client.address = to_text(chain.hops.back());
    std::string hops;
    for (auto hop = chain.hops.rbegin(); hop != chain.hops.rend(); ++hop)
        hops.append(to_text(*hop)).append(", ");
    client.forwarded_for.insert(0, hops);
    // A unix socket peer has no address to add behind the others.
    if (client.forwarded_for.ends_with(", ")) client.forwarded_for.resize(hops.size() - 2);

    const std::string_view proto = find_last(head, "X-Forwarded-Proto");
    if (same_name(proto, "http")) client.proto = "http";
    if (same_name(proto, "https")) client.proto = "https";
    if (const auto host = find_last(head, "X-Forwarded-Host"); is_valid_host(host))
        client.host = host;
}

}  // namespace

std::optional<Network> parse_network(std::string_view text)
{
    const auto slash = text.find('/');
    const std::string_view written = text.substr(0, slash);
    const auto address = parse_address(written);
    if (!address) return {};
    Network network{*address, 128};
    if (slash == std::string_view::npos) return network;
    const std::string_view digits = text.substr(slash + 1);
    const bool is_v4 = written.find(':') == std::string_view::npos;
    int prefix = -1;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), prefix);
    if (error != std::errc() || end != digits.data() + digits.size()) return {};
    if (prefix < 0 || prefix > (is_v4 ? 32 : 128) || digits.size() > 3) return {};
    network.prefix = is_v4 ? prefix + mapped_bits : prefix;
    return network;
}

bool contains(const std::vector<Network>& networks, std::string_view address)
{
    if (networks.empty()) return false;
    const auto parsed = parse_address(without_scope(address));
    return parsed && holds(networks, *parsed);
}

std::string limited_address(std::string_view address)
{
    constexpr std::size_t network_bytes = 8;
    if (address.find(':') == std::string_view::npos) return std::string(address);
    auto bytes = parse_address(without_scope(address));
    if (!bytes) return std::string(address);
    if (!is_mapped(*bytes)) std::fill(bytes->begin() + network_bytes, bytes->end(), 0);
    return to_text(*bytes);
}

bool is_private_address(std::string_view address)
{
    static const auto networks = [] {
        std::vector<Network> list;
        for (const auto* text : {"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "127.0.0.0/8",
                 "169.254.0.0/16", "100.64.0.0/10", "::1", "fc00::/7", "fe80::/10"})
            list.push_back(*parse_network(text));
        return list;
    }();
    return contains(networks, address);
}

Client identify_client(
    const RequestHead& head, const PeerFacts& peer, const std::vector<Network>& trusted)
{
    Client client;
    std::string_view address = without_scope(peer.address);
    if (address.starts_with("::ffff:") && address.find('.') != std::string_view::npos)
        address.remove_prefix(7);
    client.address = address.empty() ? "unix" : address;
    client.forwarded_for = address;
    client.proto = peer.is_tls ? "https" : "http";
    client.host = head.host;
    client.peer_is_trusted = address.empty() ? !trusted.empty() : contains(trusted, address);
    if (client.peer_is_trusted) believe_peer(head, trusted, client);
    return client;
}

}  // namespace orggate::http
