#include "redis/sentinel_list.hpp"

#include "redis/slot_map.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace orggate::redis {

namespace {

std::optional<config::Address> make_address(std::string_view host, std::string_view port)
{
    config::Address address;
    address.host = host;
    const auto* end = port.data() + port.size();
    const auto read = std::from_chars(port.data(), end, address.port);
    const bool is_port = read.ec == std::errc() && read.ptr == end && address.port != 0;
    if (!is_port || !is_host(host)) return std::nullopt;
    return address;
}

bool is_text(const Reply& reply)
{
    return reply.is(Reply::Kind::text);
}

// One Sentinel: names and values by turns.
std::optional<config::Address> read_sentinel(const Reply& reply)
{
    std::string_view host, port;
    if (!std::ranges::all_of(reply.elements, is_text)) return std::nullopt;
    for (std::size_t i = 0; i + 1 < reply.elements.size(); i += 2) {
        if (reply.elements[i].text == "ip") host = reply.elements[i + 1].text;
        if (reply.elements[i].text == "port") port = reply.elements[i + 1].text;
    }
    return make_address(host, port);
}

void add(std::vector<config::Address>& all, const config::Address& address)
{
    const auto same = [&](const config::Address& other) { return is_same(address, other); };
    if (all.size() < SentinelList::most && std::ranges::none_of(all, same)) all.push_back(address);
}

std::string_view take_word(std::string_view& text)
{
    const std::size_t end = std::min(text.find(' '), text.size());
    const std::string_view word = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    return word;
}

}  // namespace

SentinelList::SentinelList(std::vector<config::Address> configured)
    : configured_(std::move(configured)), all_(configured_)
{
}

void SentinelList::answered(const config::Address& address)
{
    const auto same = [&](const config::Address& other) { return is_same(address, other); };
    const auto found = std::ranges::find_if(all_, same);
    if (found != all_.end()) std::rotate(all_.begin(), found, found + 1);
}

void SentinelList::learn(const Reply& reply)
{
    if (!reply.is(Reply::Kind::array) || all_.empty()) return;
    std::vector<config::Address> next{all_.front()};  // who said so is not among them
    for (const config::Address& address : configured_)
        add(next, address);
    for (const Reply& sentinel : reply.elements)
        if (const auto address = read_sentinel(sentinel)) add(next, *address);
    all_ = std::move(next);
}

std::optional<config::Address> read_primary(const Reply& reply)
{
    const bool is_pair = reply.is(Reply::Kind::array) && reply.elements.size() == 2 &&
                         std::ranges::all_of(reply.elements, is_text);
    if (!is_pair) return std::nullopt;
    return make_address(reply.elements[0].text, reply.elements[1].text);
}

// ["message", "+switch-master", "NAME OLD-HOST OLD-PORT HOST PORT"]
std::optional<config::Address> read_switch(const Reply& message, std::string_view name)
{
    const bool is_message = message.is(Reply::Kind::array) && message.elements.size() == 3 &&
                            std::ranges::all_of(message.elements, is_text) &&
                            message.elements[0].text == "message" &&
                            message.elements[1].text == "+switch-master";
    if (!is_message) return std::nullopt;
    std::string_view text = message.elements[2].text;
    if (take_word(text) != name) return std::nullopt;
    take_word(text);
    take_word(text);
    const std::string_view host = take_word(text);
    return make_address(host, take_word(text));
}

}  // namespace orggate::redis
