// Where the running process listens, for `orggate healthcheck` and for scripts.

#pragma once

#include "app/options.hpp"

#include <optional>
#include <string>

namespace orggate::app {

// --address-file, else $ORGGATE_ADDRESS_FILE, else /run/orggate/address.json.
struct AddressFile {
    std::string path;
    bool was_asked_for = false;  // then failing to write it is fatal
};
AddressFile choose_address_file(const Options& options);

// Replaces the file as a whole. An error text, or empty.
std::string write_address_file(const std::string& path, const std::string& json);

// The telemetry address in it, or nothing.
std::optional<std::string> read_telemetry_address(const std::string& path);

}  // namespace orggate::app
