// The command line. Pure but for what it is given.

#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace orggate::app {

enum class Command {
    run,
    check,
    version,
    healthcheck,
    tenant_set,
    tenant_clear,
    tenant_list,
    limit_show,
    limit_reset,
    limit_denied,
    help,
};

struct Options {
    Command command = Command::run;
    std::optional<std::string> config;        // --config F
    std::optional<std::string> address_file;  // --address-file F
    std::optional<std::string> address;       // --address of the telemetry or admin listener
    std::optional<std::string> log_level, log_format;
    bool strict = false;  // check --strict

    // tenant and limit
    std::optional<std::string> admin_token_file;
    std::optional<std::string> org, user, ip, plan, within, bypass, until, reason;
    std::vector<std::string> limits;  // --limit NAME, or NAME=RATE for tenant set
    bool blocked = false, json = false;
};

struct Parsed {
    Options options;
    std::string error;  // not empty: a usage error
};

// Without a command it is `run`.
Parsed parse_options(std::span<const std::string_view> arguments);

std::string_view usage();

}  // namespace orggate::app
