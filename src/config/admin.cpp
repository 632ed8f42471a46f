// Where the operator asks about counters and changes them.

#include "config/sections.hpp"
#include "config/text.hpp"

#include <algorithm>
#include <utility>

namespace orggate::config {

namespace {

constexpr std::string_view default_socket = "/run/orggate/admin.sock";
constexpr std::string_view form = "unix:/path, a loopback address such as 127.0.0.1:9091, or off";
constexpr std::size_t least_token = 16, most_token = 1024;

std::optional<Address> read_address(Reader& reader, const Value& at, const std::string& text)
{
    const auto address = parse_listen_address(text);
    if (!address) {
        reader.expected(at, form);
        return std::nullopt;
    }
    // Whoever reaches it can lift every limit; a token alone in clear text is too little.
    if (!address->is_unix() && !is_loopback(address->host))
        reader.error(at, "expected a unix socket or a loopback address");
    return address;
}

void check_is_alone(Reader& reader, const Value& at, const Config& config)
{
    const auto& address = config.admin->address;
    for (const auto& other : config.listen)
        if (is_same(address, other)) return reader.error(at, "this is also the address of listen");
    if (config.telemetry && is_same(address, *config.telemetry))
        reader.error(at, "this is also the address of telemetry");
}

bool is_token(std::string_view text)
{
    return text.size() >= least_token && text.size() <= most_token &&
           std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 0x7F; });
}

void read_token(Reader& reader, const Value& address, const Value& at, Admin& admin)
{
    if (!at && !admin.address.is_unix())
        return reader.error(address, "every process of this pod reaches a loopback address; "
                                     "admin_token_file is missing");
    if (!at) return;
    if (admin.address.is_unix())
        return reader.error(at, "a unix socket is protected by its mode; this is for TCP");
    auto content = reader.file(at);
    if (!content) return;
    auto token = trimmed(*content);
    if (!is_token(token))
        return reader.error(at, "expected a file with 16 to 1024 visible characters");
    admin.token = std::move(token);
}

}  // namespace

void read_admin(Reader& reader, const Map& root, Config& config)
{
    const auto at = root["admin"], token_at = root["admin_token_file"];
    const auto text = reader.text(at, form);
    if (at && !text) return;
    if (text && *text == "off") {
        if (token_at) reader.error(token_at, "admin is off");
        return;
    }
    Admin admin;
    admin.is_default = !text;
    admin.address.unix_path = default_socket;
    if (text) {
        const auto address = read_address(reader, at, *text);
        if (!address) return;
        admin.address = *address;
    }
    read_token(reader, at, token_at, admin);
    config.admin = std::move(admin);
    check_is_alone(reader, at, config);
}

}  // namespace orggate::config
