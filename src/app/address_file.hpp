// Where the running process listens, for the commands that ask it and for scripts.

#pragma once

#include "app/options.hpp"
#include "orggate/config/config.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace orggate::app {

// --address-file, else $ORGGATE_ADDRESS_FILE, else /run/orggate/address.json.
struct AddressFile {
    std::string path;
    bool was_asked_for = false;  // then failing to write it is fatal
};
AddressFile choose_address_file(const Options& options);

// Replaces the file as a whole. An error text, or empty.
std::string write_address_file(const std::string& path, const std::string& json);

// The address of this name in it, `telemetry` or `admin`, or nothing.
std::optional<std::string> read_address(const std::string& path, std::string_view name);

// host:port or unix:/path as an Address.
std::optional<config::Address> parse_address(std::string_view text);

}  // namespace orggate::app
