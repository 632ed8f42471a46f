// Tenants of all sources, the fleet, and the admin listener that tells them.

#include "app/control.hpp"

#include "app/clock.hpp"
#include "app/redis_settings.hpp"
#include "app/surroundings.hpp"
#include "orggate/config/load.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <stdexcept>
#include <utility>

namespace orggate::app {
namespace {

constexpr Milliseconds store_patience{200};
constexpr mode_t admin_mode = 0600;

std::string lines_of(const std::vector<config::Problem>& problems)
{
    std::string text;
    for (const auto& problem : problems)
        text.append(text.empty() ? "" : "\n").append(config::to_text(problem));
    return text;
}

// What anybody may have written into Redis is shown to people.
bool is_org_id(std::string_view text)
{
    constexpr std::string_view plain =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_";
    return text.starts_with("org_") && text.size() <= 128 &&
           text.find_first_not_of(plain) == text.npos;
}

// The file says who is special, not what the environment holds.
config::Surroundings without_environment()
{
    auto world = surroundings();
    world.environment = [](const std::string&) { return std::optional<std::string>(); };
    return world;
}

bool counts_calendars(const config::Config& config)
{
    const auto is_calendar = [](const limit::Quota& quota) {
        return quota.algorithm == limit::Algorithm::calendar;
    };
    return std::ranges::any_of(config.limits,
        [&](const auto& limit) { return std::ranges::any_of(limit->quotas, is_calendar); });
}

}  // namespace

// ---- tenants -----------------------------------------------------------------------

void Control::publish_tenants()
{
    tenants_ = std::make_shared<const policy::Tenants>(tenant_sources_.merged());
    publish();
}

// Nobody serves yet. A file that is wrong from the start must not be found out later.
void Control::read_tenants_at_start()
{
    tenant_sources_.set(TenantSource::config, config_->tenants.all());
    const auto& path = config_->tenants_file;
    if (!path.empty()) {
        tenants_file_.emplace([this](const std::string& content) {
            return config::load_tenants(
                content, config_->tenants_file, *config_, without_environment());
        });
        std::string error;
        auto content = read_file(path, error);
        auto look = tenants_file_->first(std::move(content), error);
        if (!look.error.empty())
            throw std::runtime_error("cannot read the tenants file " + path + ": " + look.error);
        if (!look.tenants) throw std::runtime_error(lines_of(look.problems));
        tenant_sources_.set(TenantSource::file, std::move(*look.tenants));
    }
    tenants_ = std::make_shared<const policy::Tenants>(tenant_sources_.merged());
}

Awaitable<void> Control::watch_tenants_file()
{
    while (phase_ != Phase::closed) {
        co_await pause(tenants_file_period);
        std::string error;
        auto content = read_file(config_->tenants_file, error);
        auto look = tenants_file_->again(std::move(content), error);
        if (!look.error.empty())
            log_.event(observe::Level::error,
                "cannot read the tenants file; the last good list stays in force",
                {{"file", std::string_view(config_->tenants_file)},
                    {"error", std::string_view(look.error)}});
        for (const auto& problem : look.problems)
            log_.event(problem.is_warning ? observe::Level::warn : observe::Level::error,
                config::to_text(problem));
        if (!look.tenants && !look.problems.empty())
            log_.event(observe::Level::error,
                "the tenants file is wrong; the last good list stays in force");
        if (look.tenants) take_tenants(TenantSource::file, std::move(*look.tenants));
    }
}

void Control::take_tenants(TenantSource source, TenantMap tenants)
{
    const auto change = difference(tenant_sources_.of(source), tenants);
    log_.event(observe::Level::info, "tenants changed",
        {{"source", name(source)}, {"added", static_cast<std::int64_t>(change.added)},
            {"changed", static_cast<std::int64_t>(change.changed)},
            {"removed", static_cast<std::int64_t>(change.removed)},
            {"tenants", static_cast<std::int64_t>(tenants.size())},
            {"hash", std::string_view(hash_of(tenants))}});
    tenant_sources_.set(source, std::move(tenants));
    publish_tenants();
}

// A text that cannot be read here (it may come from a newer version) leaves in force what was
// last understood of that organisation.
void Control::hear_fleet(const redis::TenantTexts& texts)
{
    TenantMap tenants;
    const auto& known = tenant_sources_.of(TenantSource::fleet);
    for (const auto& [org, text] : texts) {
        if (!is_org_id(org)) continue;
        auto tenant = config::tenant_from_text(text, *config_);
        if (tenant) {
            tenants.insert_or_assign(org, std::move(*tenant));
            continue;
        }
        log_.event(observe::Level::warn, "a tenant of the fleet cannot be read",
            {{"org_id", std::string_view(org)}, {"error", std::string_view(tenant.error())}});
        if (const auto last = known.find(org); last != known.end()) tenants.insert(*last);
    }
    take_tenants(TenantSource::fleet, std::move(tenants));
}

// ---- the fleet ---------------------------------------------------------------------

void Control::make_fleet()
{
    if (!config_->redis) return;
    const auto& redis = *config_->redis;
    auto settings = redis_settings(redis, shared_.redis_tls.get(), "control");
    settings.scripts = redis::fleet_scripts();
    settings.scripts.push_back(&inspect_script());
    store_ = std::make_unique<redis::Store>(io_.get_executor(), deadlines_, std::move(settings),
        redis_surroundings(), store_counters_, log_);
    char number[20];
    std::snprintf(number, sizeof number, "%016llx",
        static_cast<unsigned long long>(random_number()));  // a host name may be everybody's
    fleet_ = std::make_unique<redis::Fleet>(redis::FleetParts{.executor = io_.get_executor(),
        .store = *store_,
        .view = shared_.fleet,
        .redis = redis,
        .member = host_name() + "-" + number,
        .workers = config_->workers,
        .clock = &now,
        .log = log_,
        .tenants_changed = [this](redis::TenantTexts texts) { hear_fleet(texts); },
        .has_calendar = counts_calendars(*config_)});
}

void Control::start_store()
{
    if (!store_) return;
    store_->start();
    boost::asio::co_spawn(io_, fleet_->run(), boost::asio::detached);
}

void Control::stop_store()
{
    if (!store_) return;
    fleet_->stop();
    store_->stop(store_patience);
}

// ---- admin -------------------------------------------------------------------------

void Control::open_admin()
{
    const auto& wanted = *config_->admin;
    auto opened = net::ListeningSocket::open(wanted.address);
    std::string error = opened ? std::string() : opened.error();
    const auto& path = wanted.address.unix_path;
    if (opened && wanted.address.is_unix() && ::chmod(path.c_str(), admin_mode) != 0)
        error = "cannot protect " + path;
    if (error.empty()) {
        admin_socket_.emplace(std::move(*opened));
        return;
    }
    if (!wanted.is_default) throw std::runtime_error("admin: " + error);
    log_.event(observe::Level::warn, "no admin listener", {{"error", std::string_view(error)}});
}

void Control::make_admin()
{
    if (!config_->admin) return;
    const auto& wanted = *config_->admin;
    if (!wanted.address.is_unix() && wanted.token.empty())
        throw std::runtime_error("admin: an address on TCP needs admin_token_file");
    open_admin();
    if (!admin_socket_) return;
    admin_.emplace(AdminParts{.config = *config_,
        .log = log_,
        .clock = &now,
        .guard = {.is_unix = wanted.address.is_unix(),
            .own_user = ::geteuid(),
            .token = wanted.token},
        .limits = *shared_.limits,
        .denied = shared_.denied,
        .store = store_.get(),
        .fleet = fleet_.get(),
        .view = fleet_ ? &shared_.fleet : nullptr,
        .tenants = tenant_sources_,
        .tell_process = [this](TenantMap all) {
            take_tenants(TenantSource::process, std::move(all));
        }});
    admin_server_.emplace(io_.get_executor(), deadlines_, *admin_socket_,
        [this](PageRequest request) { return admin_->answer(std::move(request)); });
}

}  // namespace orggate::app
