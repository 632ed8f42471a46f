#include "app/commands.hpp"

#include "app/address_file.hpp"
#include "app/control.hpp"
#include "app/fetch.hpp"
#include "app/redis_settings.hpp"
#include "app/surroundings.hpp"
#include "orggate/config/load.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/version.hpp>
// floors: allow hiredis: its version, for `orggate version`
#include <hiredis/hiredis.h>
// floors: allow openssl: its version, for `orggate version`
#include <openssl/crypto.h>

#include <malloc.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <fstream>
#include <sstream>

namespace orggate::app {
namespace {

constexpr auto default_config = "/etc/orggate/orggate.yaml";

void print(std::FILE* to, const std::string& text)
{
    std::fwrite(text.data(), 1, text.size(), to);
}

config::Loaded unreadable(const std::string& path, const std::string& error)
{
    config::Loaded loaded;
    loaded.problems.push_back({path, 0, 0, "cannot read the configuration: " + error, false});
    return loaded;
}

// A tenants file that is wrong is as wrong as the configuration that names it.
void load_tenants_file(config::Loaded& loaded, const config::Surroundings& world)
{
    if (!loaded.config || loaded.config->tenants_file.empty()) return;
    const auto& path = loaded.config->tenants_file;
    std::string error;
    const auto text = read_file(path, error);
    config::LoadedTenants tenants;
    if (text)
        tenants = config::load_tenants(*text, path, *loaded.config, world);
    else
        tenants.problems.push_back({path, 0, 0, "cannot read the tenants file: " + error, false});
    loaded.problems.insert(loaded.problems.end(), tenants.problems.begin(), tenants.problems.end());
    if (!tenants.tenants) loaded.config = nullptr;
}

config::Loaded load_config(const Options& options, const config::Surroundings& world)
{
    auto path = options.config;
    if (!path) path = environment("ORGGATE_CONFIG");
    std::string error;
    if (!path) {
        if (!read_file(default_config, error)) return config::load_environment(world);
        path = default_config;
    }
    const auto text = read_file(*path, error);
    return text ? config::load(*text, *path, world) : unreadable(*path, error);
}

config::Loaded load(const Options& options)
{
    const auto world = surroundings();
    auto loaded = load_config(options, world);
    load_tenants_file(loaded, world);
    return loaded;
}

void print_problems(const config::Loaded& loaded)
{
    for (const auto& problem : loaded.problems)
        print(stderr, config::to_text(problem) + "\n");
}

observe::LogOptions log_options(const config::Config& config, const Options& options)
{
    auto log = config.log.options;
    if (options.log_level == "debug") log.level = observe::Level::debug;
    if (options.log_level == "info") log.level = observe::Level::info;
    if (options.log_level == "warn") log.level = observe::Level::warn;
    if (options.log_level == "error") log.level = observe::Level::error;
    if (options.log_format == "json") log.format = observe::Format::json;
    if (options.log_format == "text") log.format = observe::Format::text;
    return log;
}

void announce(observe::Log& log, const config::Loaded& loaded, const std::string& listen)
{
    for (const auto& problem : loaded.problems)
        log.event(observe::Level::warn, config::to_text(problem));
    const auto& redis = loaded.config->redis;
    const auto limits =
        redis ? "redis " + std::string(name(redis->topology)) : std::string("per process");
    log.event(observe::Level::info, "serving",
        {{"version", std::string_view(ORGGATE_VERSION)},
            {"workers", std::int64_t{loaded.config->workers}}, {"listen", std::string_view(listen)},
            {"limits", std::string_view(limits)}});
}

int serve(const config::Loaded& loaded, const Options& options, observe::Log& log)
{
    Control control(loaded.config, log);
    const auto addresses = control.addresses();
    const auto file = choose_address_file(options);
    const auto error = write_address_file(file.path, addresses);
    if (!error.empty() && file.was_asked_for) throw std::runtime_error(error);
    announce(log, loaded, control.listening());
    const int code = control.run();
    if (error.empty()) std::remove(file.path.c_str());
    return code;
}

}  // namespace

int run(const Options& options)
{
    // A few threads must not each keep a heap of their own size.
    mallopt(M_ARENA_MAX, 2);
    std::signal(SIGPIPE, SIG_IGN);
    const auto loaded = load(options);
    if (!loaded.config) {
        print_problems(loaded);
        return 1;
    }
    try {
        observe::Log log(log_options(*loaded.config, options));
        return serve(loaded, options, log);
    } catch (const std::exception& e) {
        print(stderr, std::string("orggate: ") + e.what() + "\n");
        return 1;
    }
}

int check(const Options& options)
{
    const auto loaded = load(options);
    print_problems(loaded);
    const bool is_bad = !loaded.config || (options.strict && !loaded.problems.empty());
    if (!is_bad) print(stdout, "the configuration is good\n");
    return is_bad ? 1 : 0;
}

int version()
{
    print(stdout, "orggate " ORGGATE_VERSION " " ORGGATE_COMMIT "\nBoost " BOOST_LIB_VERSION
                  "\nyaml-cpp " ORGGATE_YAML_CPP "\n");
    print(stdout, std::string(OpenSSL_version(OPENSSL_VERSION)) + "\nhiredis " +
                      std::to_string(HIREDIS_MAJOR) + "." + std::to_string(HIREDIS_MINOR) + "." +
                      std::to_string(HIREDIS_PATCH) + "\n");
    return 0;
}

int healthcheck(const Options& options)
{
    auto text = options.address;
    const auto file = choose_address_file(options).path;
    if (!text) text = read_address(file, "telemetry");
    if (!text) {
        print(
            stderr, "orggate: no running process found: " + file + " names no telemetry address\n");
        return 1;
    }
    const auto address = parse_address(*text);
    if (!address || address->is_unix()) {
        print(stderr, "orggate: --address expects host:port\n");
        return 2;
    }
    boost::asio::io_context io(1);
    net::Deadlines deadlines(io.get_executor());
    int status = 0;
    auto done = [&](std::exception_ptr, int answer) {
        status = answer;
        deadlines.stop();
    };
    auto asked = get_status(*address, nullptr, *text, "/healthz", deadlines, Milliseconds{2'000});
    boost::asio::co_spawn(io, std::move(asked), done);
    io.run();
    if (status == 200) return 0;
    print(stderr, status == 0 ? "orggate: " + *text + " does not answer\n"
                              : "orggate: not healthy (" + std::to_string(status) + ")\n");
    return 1;
}

}  // namespace orggate::app
