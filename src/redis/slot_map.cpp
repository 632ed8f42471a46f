#include "redis/slot_map.hpp"

#include <algorithm>

namespace orggate::redis {

namespace {

constexpr std::string_view host_characters =
    "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-_:";

bool is_slot(const Reply& reply)
{
    return reply.is(Reply::Kind::integer) && reply.integer >= 0 && reply.integer < SlotMap::slots;
}

// [host, port, id, ...]: the primary's entry in a range.
std::optional<config::Address> read_server(const Reply& server, const config::Address& asked)
{
    if (!server.is(Reply::Kind::array) || server.elements.size() < 2) return std::nullopt;
    const Reply& host = server.elements[0];
    const Reply& port = server.elements[1];
    if (!port.is(Reply::Kind::integer) || port.integer < 1 || port.integer > 65'535)
        return std::nullopt;
    config::Address address;
    address.port = static_cast<std::uint16_t>(port.integer);
    address.host = host.text;
    if (host.is(Reply::Kind::nil) || (host.is(Reply::Kind::text) && host.text.empty()))
        address.host = asked.host;
    else if (!host.is(Reply::Kind::text))
        return std::nullopt;
    if (!is_host(address.host)) return std::nullopt;
    return address;
}

}  // namespace

bool is_host(std::string_view text)
{
    return !text.empty() && text.size() <= 253 &&
           text.find_first_not_of(host_characters) == text.npos;
}

bool is_same(const config::Address& a, const config::Address& b)
{
    return a.port == b.port && a.host == b.host && a.unix_path == b.unix_path;
}

std::optional<SlotMap> SlotMap::read(const Reply& reply, const config::Address& asked)
{
    if (!reply.is(Reply::Kind::array)) return std::nullopt;
    SlotMap map;
    std::size_t covered = 0;
    for (const Reply& range : reply.elements) {
        const auto width = map.read_range(range, asked);
        if (!width || (covered += *width) > slots) return std::nullopt;
    }
    if (map.servers_.empty()) return std::nullopt;
    return map;
}

std::optional<std::size_t> SlotMap::read_range(const Reply& range, const config::Address& asked)
{
    if (!range.is(Reply::Kind::array) || range.elements.size() < 3) return std::nullopt;
    const Reply& first = range.elements[0];
    const Reply& last = range.elements[1];
    if (!is_slot(first) || !is_slot(last) || first.integer > last.integer) return std::nullopt;
    const auto width = static_cast<std::size_t>(last.integer - first.integer + 1);
    const auto server = read_server(range.elements[2], asked);
    if (!server) return width;  // it can't be reached: as if it owned nothing
    const std::uint16_t index = index_of(*server);
    if (index == nobody) return std::nullopt;
    std::fill_n(owner_.begin() + first.integer, width, index);
    return width;
}

bool SlotMap::is_full() const
{
    return std::ranges::find(owner_, nobody) == owner_.end();
}

bool SlotMap::assign(std::uint16_t slot, const config::Address& address)
{
    if (slot >= slots) return false;
    const std::uint16_t index = index_of(address);
    if (index == nobody) return false;
    owner_[slot] = index;
    return true;
}

std::uint16_t SlotMap::index_of(const config::Address& address)
{
    for (std::size_t i = 0; i < servers_.size(); ++i)
        if (is_same(servers_[i], address)) return static_cast<std::uint16_t>(i);
    if (servers_.size() >= max_servers) return nobody;
    servers_.push_back(address);
    return static_cast<std::uint16_t>(servers_.size() - 1);
}

}  // namespace orggate::redis
