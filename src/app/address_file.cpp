#include "app/address_file.hpp"

// floors: allow boost-json: a file of our own writing, in which no key matters twice
#include <boost/json/parse.hpp>

#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <sstream>

namespace orggate::app {

AddressFile choose_address_file(const Options& options)
{
    if (options.address_file) return {*options.address_file, true};
    if (const char* path = std::getenv("ORGGATE_ADDRESS_FILE"); path && *path) return {path, true};
    return {"/run/orggate/address.json", false};
}

std::string write_address_file(const std::string& path, const std::string& json)
{
    const auto fresh = path + ".new";
    std::ofstream file(fresh, std::ios::trunc);
    file << json;
    file.close();
    if (!file || std::rename(fresh.c_str(), path.c_str()) != 0)
        return "cannot write " + path + ": " + std::strerror(errno);
    return {};
}

std::optional<std::string> read_address(const std::string& path, std::string_view name)
{
    std::ifstream file(path);
    std::ostringstream text;
    text << file.rdbuf();
    boost::system::error_code error;
    const auto json = boost::json::parse(text.str(), error);
    if (error || !json.is_object()) return {};
    const auto* address =
        json.as_object().if_contains(boost::json::string_view(name.data(), name.size()));
    if (!address || !address->is_string()) return {};
    return std::string(address->as_string());
}

std::optional<config::Address> parse_address(std::string_view text)
{
    constexpr std::string_view unix_scheme = "unix:";
    config::Address address;
    if (text.starts_with(unix_scheme)) {
        address.unix_path = text.substr(unix_scheme.size());
        return address.is_unix() ? std::optional(address) : std::nullopt;
    }
    const auto colon = text.rfind(':');
    if (colon == text.npos || colon == 0) return {};
    address.host = text.substr(0, colon);
    if (address.host.starts_with('[') && address.host.ends_with(']'))
        address.host = address.host.substr(1, address.host.size() - 2);
    // A listener on all addresses is asked on loopback.
    if (address.host == "0.0.0.0") address.host = "127.0.0.1";
    if (address.host == "::") address.host = "::1";
    const auto digits = text.substr(colon + 1);
    const auto* end = digits.data() + digits.size();
    const auto [stop, error] = std::from_chars(digits.data(), end, address.port);
    if (error != std::errc() || stop != end || address.port == 0) return {};
    return address;
}

}  // namespace orggate::app
