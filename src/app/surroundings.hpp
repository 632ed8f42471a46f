// The world outside the configuration file: environment, files, processors.

#pragma once

#include "orggate/config/load.hpp"

#include <optional>
#include <string>

namespace orggate::app {

std::optional<std::string> environment(const std::string& name);

// A regular file of at most 16 MiB, or nothing and `error` says why.
std::optional<std::string> read_file(const std::string& path, std::string& error);

config::Surroundings surroundings();

// The pod's or the machine's name, of letters, digits, `.`, `_` and `-` alone, at most 64.
std::string host_name();

}  // namespace orggate::app
