#include "redis/store_complaints.hpp"

#include "redis/connection.hpp"

#include <string>

namespace orggate::redis {

namespace {

constexpr Seconds between{60};

std::string_view what(const ServerError& error)
{
    if (error.failure == Failure::forbidden) return "redis forbids us what we need";
    if (error.failure == Failure::defect) return "redis answers what we cannot use";
    if (error.code == "OOM") return "redis is out of memory and takes no writes";
    return "redis refuses commands";
}

}  // namespace

std::string describe(const ServerError& error, std::string_view text)
{
    const bool is_harmless = error.failure == Failure::defect || error.code == "NOPERM";
    return is_harmless ? told(text) : std::string(error.code);
}

void Complaints::add(
    const ServerError& error, std::string_view text, const config::Address& server, Time now)
{
    const auto [entry, is_first] = next_.try_emplace(error.code, now);
    if (!is_first && now < entry->second) return;
    entry->second = now + between;
    const auto level =
        error.failure == Failure::down ? observe::Level::warn : observe::Level::error;
    const std::string detail = describe(error, text);
    log_.event(level, what(error),
        {{"server", text_of(server)}, {"code", error.code}, {"reason", detail}});
}

}  // namespace orggate::redis
