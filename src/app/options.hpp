// The command line. Pure but for what it is given.

#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace orggate::app {

enum class Command { run, check, version, healthcheck, help };

struct Options {
    Command command = Command::run;
    std::optional<std::string> config;        // --config F
    std::optional<std::string> address_file;  // --address-file F
    std::optional<std::string> address;       // --address HOST:PORT, for healthcheck
    std::optional<std::string> log_level, log_format;
    bool strict = false;  // check --strict
};

struct Parsed {
    Options options;
    std::string error;  // not empty: a usage error
};

// Without a command it is `run`.
Parsed parse_options(std::span<const std::string_view> arguments);

std::string_view usage();

}  // namespace orggate::app
