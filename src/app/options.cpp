#include "app/options.hpp"

#include <algorithm>

namespace orggate::app {
namespace {

struct CommandRow {
    std::string_view word;
    Command command;
};
constexpr CommandRow commands[] = {
    {"run", Command::run},
    {"check", Command::check},
    {"version", Command::version},
    {"healthcheck", Command::healthcheck},
    {"help", Command::help},
};

struct ValueRow {
    std::string_view flag;
    std::optional<std::string> Options::*value;
    std::string_view words;  // the allowed values, separated by spaces; empty: any
};
constexpr ValueRow values[] = {
    {"--config", &Options::config, ""},
    {"--address-file", &Options::address_file, ""},
    {"--address", &Options::address, ""},
    {"--log-level", &Options::log_level, "debug info warn error"},
    {"--log-format", &Options::log_format, "json text"},
};

bool is_allowed(std::string_view words, std::string_view value)
{
    if (words.empty()) return !value.empty();
    while (!words.empty()) {
        const auto space = std::min(words.find(' '), words.size());
        if (words.substr(0, space) == value) return true;
        words.remove_prefix(std::min(space + 1, words.size()));
    }
    return false;
}

const ValueRow* find_value_flag(std::string_view flag)
{
    const auto* row = std::ranges::find(values, flag, &ValueRow::flag);
    return row == std::end(values) ? nullptr : row;
}

// `--flag value` or `--flag=value`; takes what it uses from the front of `rest`.
std::string take_value_flag(Options& options, std::span<const std::string_view>& rest)
{
    const auto argument = rest.front();
    rest = rest.subspan(1);
    const auto equals = argument.find('=');
    const auto flag = argument.substr(0, equals);
    const auto* row = find_value_flag(flag);
    if (!row) return "unknown option " + std::string(flag);
    std::string value;
    if (equals != argument.npos) {
        value = argument.substr(equals + 1);
    } else if (!rest.empty()) {
        value = rest.front();
        rest = rest.subspan(1);
    }
    if (!is_allowed(row->words, value))
        return std::string(flag) + " expects " +
               (row->words.empty() ? "a value" : "one of: " + std::string(row->words));
    options.*(row->value) = std::move(value);
    return {};
}

}  // namespace

Parsed parse_options(std::span<const std::string_view> rest)
{
    Parsed parsed;
    if (!rest.empty() && !rest.front().starts_with('-')) {
        const auto* row = std::ranges::find(commands, rest.front(), &CommandRow::word);
        if (row == std::end(commands)) {
            parsed.error = "unknown command " + std::string(rest.front());
            return parsed;
        }
        parsed.options.command = row->command;
        rest = rest.subspan(1);
    }
    while (!rest.empty() && parsed.error.empty()) {
        if (rest.front() == "--help" || rest.front() == "-h") {
            parsed.options.command = Command::help;
            rest = rest.subspan(1);
        } else if (rest.front() == "--strict" && parsed.options.command == Command::check) {
            parsed.options.strict = true;
            rest = rest.subspan(1);
        } else {
            parsed.error = take_value_flag(parsed.options, rest);
        }
    }
    return parsed;
}

std::string_view usage()
{
    return R"(usage: orggate [command] [options]

  run            serve (the default)
  check          validate the configuration: every mistake, each with file:line:column
  healthcheck    ask the running process whether it is healthy
  version        version and libraries

  --config F         configuration (default: $ORGGATE_CONFIG, then /etc/orggate/orggate.yaml;
                     with no file: CLERK_PUBLISHABLE_KEY, CLERK_SECRET_KEY, CLERK_JWT_KEY, ORGGATE_UPSTREAM)
  --strict           check: warnings are errors
  --address-file F   run writes where it listens to F, healthcheck reads it
                     (default: $ORGGATE_ADDRESS_FILE, then /run/orggate/address.json)
  --address H:P      healthcheck: the telemetry listener to ask
  --log-level L      debug | info | warn | error
  --log-format F     json | text

exit: 0 fine, 1 bad configuration or not healthy, 2 usage, 3 forced quit
)";
}

}  // namespace orggate::app
