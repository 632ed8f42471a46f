#include "app/options.hpp"

#include <algorithm>

namespace orggate::app {
namespace {

struct CommandRow {
    std::string_view word, action;  // action: the second word, of those that have one
    Command command;
};
constexpr CommandRow commands[] = {
    {"run", "", Command::run},
    {"check", "", Command::check},
    {"version", "", Command::version},
    {"healthcheck", "", Command::healthcheck},
    {"tenant", "set", Command::tenant_set},
    {"tenant", "clear", Command::tenant_clear},
    {"tenant", "list", Command::tenant_list},
    {"limit", "show", Command::limit_show},
    {"limit", "reset", Command::limit_reset},
    {"limit", "denied", Command::limit_denied},
    {"help", "", Command::help},
};

constexpr unsigned bit(Command command)
{
    return 1u << static_cast<unsigned>(command);
}
constexpr unsigned any = ~0u;
constexpr unsigned on_limits = bit(Command::limit_show) | bit(Command::limit_reset);
constexpr unsigned on_tenants = bit(Command::tenant_set) | bit(Command::tenant_clear);
constexpr unsigned admin_commands =
    on_limits | on_tenants | bit(Command::tenant_list) | bit(Command::limit_denied);

struct ValueRow {
    std::string_view flag;
    std::optional<std::string> Options::*value;
    std::string_view words;  // the allowed values, separated by spaces; empty: any
    unsigned commands;       // that take it
};
constexpr ValueRow values[] = {
    {"--config", &Options::config, "", any},
    {"--address-file", &Options::address_file, "", any},
    {"--address", &Options::address, "", any},
    {"--log-level", &Options::log_level, "debug info warn error", any},
    {"--log-format", &Options::log_format, "json text", any},
    {"--admin-token-file", &Options::admin_token_file, "", admin_commands},
    {"--org", &Options::org, "", on_limits},
    {"--user", &Options::user, "", on_limits},
    {"--ip", &Options::ip, "", on_limits},
    {"--plan", &Options::plan, "", bit(Command::limit_show)},
    {"--within", &Options::within, "", bit(Command::limit_denied)},
    {"--bypass", &Options::bypass, "", bit(Command::tenant_set)},
    {"--until", &Options::until, "", bit(Command::tenant_set)},
    {"--reason", &Options::reason, "", bit(Command::tenant_set)},
};

struct SwitchRow {
    std::string_view flag;
    bool Options::*value;
    unsigned commands;
};
constexpr SwitchRow switches[] = {
    {"--strict", &Options::strict, bit(Command::check)},
    {"--blocked", &Options::blocked, bit(Command::tenant_set)},
    {"--json", &Options::json, admin_commands},
};

constexpr std::string_view limit_flag = "--limit";
constexpr unsigned limit_commands = on_limits | bit(Command::tenant_set);

using Words = std::span<const std::string_view>;

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

template <class Row>
const Row* find_row(std::span<const Row> rows, std::string_view flag, Command command)
{
    const auto row = std::ranges::find_if(
        rows, [&](const Row& r) { return r.flag == flag && (r.commands & bit(command)) != 0; });
    return row == rows.end() ? nullptr : &*row;
}

// `--flag value` or `--flag=value`; takes what it uses from the front of `rest`.
std::string take_value(Words& rest)
{
    const auto argument = rest.front();
    rest = rest.subspan(1);
    if (const auto equals = argument.find('='); equals != argument.npos)
        return std::string(argument.substr(equals + 1));
    if (rest.empty()) return {};
    const std::string value(rest.front());
    rest = rest.subspan(1);
    return value;
}

std::string take_flag(Options& options, Words& rest)
{
    const auto argument = rest.front();
    const auto flag = argument.substr(0, argument.find('='));
    if (const auto* row = find_row<SwitchRow>(switches, argument, options.command)) {
        options.*(row->value) = true;
        rest = rest.subspan(1);
        return {};
    }
    if (flag == limit_flag && (limit_commands & bit(options.command)) != 0) {
        options.limits.push_back(take_value(rest));
        return options.limits.back().empty() ? "--limit expects a value" : std::string();
    }
    const auto* row = find_row<ValueRow>(values, flag, options.command);
    if (!row) return "unknown option " + std::string(flag);
    auto value = take_value(rest);
    if (!is_allowed(row->words, value))
        return std::string(flag) + " expects " +
               (row->words.empty() ? "a value" : "one of: " + std::string(row->words));
    options.*(row->value) = std::move(value);
    return {};
}

// The command, or an error; takes its words from the front of `rest`.
std::string take_command(Options& options, Words& rest)
{
    if (rest.empty() || rest.front().starts_with('-')) return {};
    const auto word = rest.front();
    rest = rest.subspan(1);
    std::string actions;
    for (const auto& row : commands) {
        if (row.word != word) continue;
        if (row.action.empty() || (!rest.empty() && rest.front() == row.action)) {
            options.command = row.command;
            if (!row.action.empty()) rest = rest.subspan(1);
            return {};
        }
        if (!rest.empty() && (rest.front() == "--help" || rest.front() == "-h")) return {};
        actions.append(actions.empty() ? "" : ", ").append(row.action);
    }
    if (actions.empty()) return "unknown command " + std::string(word);
    return std::string(word) + " expects one of: " + actions;
}

// What only makes sense together.
std::string refuse_combination(const Options& options)
{
    const auto command = options.command;
    if ((on_tenants & bit(command)) != 0 && !options.org) return "expected an organisation id";
    if (command == Command::tenant_set) {
        if (!options.bypass && options.limits.empty() && !options.blocked)
            return "tenant set expects --bypass, --limit or --blocked";
        for (const auto& limit : options.limits)
            if (limit.find('=') == limit.npos || limit.front() == '=' || limit.back() == '=')
                return "--limit expects NAME=RATE, such as api=200/1m";
    }
    if ((on_limits & bit(command)) != 0) {
        if (!options.org && !options.user && !options.ip) return "expected --org, --user or --ip";
        if (options.limits.size() > 1) return "--limit may be given once";
    }
    return {};
}

}  // namespace

Parsed parse_options(std::span<const std::string_view> rest)
{
    Parsed parsed;
    auto& options = parsed.options;
    parsed.error = take_command(options, rest);
    while (!rest.empty() && parsed.error.empty()) {
        if (rest.front() == "--help" || rest.front() == "-h") {
            options.command = Command::help;
            return parsed;
        }
        const bool takes_org = (on_tenants & bit(options.command)) != 0 && !options.org;
        if (takes_org && !rest.front().starts_with('-') && !rest.front().empty()) {
            options.org = rest.front();
            rest = rest.subspan(1);
        } else {
            parsed.error = take_flag(options, rest);
        }
    }
    if (parsed.error.empty()) parsed.error = refuse_combination(options);
    return parsed;
}

std::string_view usage()
{
    return R"(usage: orggate [command] [options]

  run            serve (the default)
  check          validate the configuration: every mistake, each with file:line:column
  healthcheck    ask the running process whether it is healthy
  version        version and libraries

asking and telling the running process, through its admin listener:
  tenant set ORG [--bypass all|NAME,NAME] [--limit NAME=RATE]... [--blocked] [--until TIME] [--reason TEXT]
                 in force within a second, in all processes that share a Redis; without Redis
                 in this process, until it ends. Replaces what the files say of ORG.
  tenant clear ORG
  tenant list
  limit show     --org ORG [--limit NAME] [--user U] [--plan P] | --user U | --ip ADDRESS
  limit reset    the same, forgets what was used, in Redis and in all deny caches; what other
                 processes counted while Redis was away stays until its windows end
  limit denied   [--within 60s]  who was refused lately, by this process

  --config F         configuration (default: $ORGGATE_CONFIG, then /etc/orggate/orggate.yaml;
                     with no file: CLERK_PUBLISHABLE_KEY, CLERK_SECRET_KEY, CLERK_JWT_KEY, ORGGATE_UPSTREAM)
  --strict           check: warnings are errors
  --address-file F   run writes where it listens to F, the others read it
                     (default: $ORGGATE_ADDRESS_FILE, then /run/orggate/address.json)
  --address A        instead of the file: host:port of the telemetry listener for healthcheck;
                     host:port or unix:/path of the admin listener for tenant and limit
  --admin-token-file F   for an admin listener on TCP (default: $ORGGATE_ADMIN_TOKEN_FILE)
  --json             tenant, limit: the answer as it came
  --log-level L      debug | info | warn | error
  --log-format F     json | text

exit: 0 fine, 1 bad configuration, not healthy or not done, 2 usage, 3 forced quit
)";
}

}  // namespace orggate::app
