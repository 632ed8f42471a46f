#include "orggate/edge/clients.hpp"

#include <utility>

namespace orggate::edge {
namespace {

constexpr std::string_view limit_name = "clients";

std::optional<limit::Quota> named(std::optional<limit::Quota> quota, std::string_view name)
{
    if (quota) quota->name = name;
    return quota;
}

std::optional<limit::Quota> held_at_once(std::optional<std::size_t> most)
{
    if (!most) return {};
    limit::Quota quota;
    quota.algorithm = limit::Algorithm::concurrent;
    quota.units = static_cast<std::int64_t>(*most);
    return quota;
}

bool is_address(std::string_view text)
{
    return text.find_first_of(".:") != text.npos;
}

}  // namespace

Clients::Clients(const config::Config& config, HashKey key, std::size_t capacity)
    : unauthenticated_(named(config.clients.unauthenticated, "clients-unauthenticated")),
      refused_(named(config.clients.refused, "clients-refused")),
      connections_(named(held_at_once(config.clients.connections), "clients-connections")),
      spares_private_(config.clients.spares_private),
      trusted_(config.trusted_proxies),
      table_(key, capacity)
{
}

bool Clients::counts(std::string_view address) const
{
    if (!is_address(address) || http::contains(trusted_, address)) return false;
    return !spares_private_ || !http::is_private_address(address);
}

limit::Check Clients::question(std::string_view address, const limit::Quota& quota) const
{
    limit::Check check;
    check.limit = limit_name;
    check.subject = address;
    check.quota = &quota;
    check.per = limit::Per::ip;
    // Whoever fills the table must never shut everybody else out.
    check.on_error = limit::OnError::open;
    return check;
}

std::optional<Clients::Refusal> Clients::charge(
    std::string_view address, const std::optional<limit::Quota>& quota, Instant now)
{
    if (!quota) return {};
    Refusal asked{question(address, *quota), {}};
    const auto taken = table_.take({&asked.check, 1}, {&asked.decision, 1}, now);
    if (!taken || asked.decision.allowed) return {};
    return asked;
}

Clients::Verdict Clients::judge(std::string_view address, Token token, Instant now)
{
    if (!counts(address)) return {};
    if (refused_) {
        const auto check = question(address, *refused_);
        const auto one_more = table_.inspect(check, now);
        if (one_more && !one_more->allowed) return {Refusal{check, *one_more}, true};
    }
    if (token == Token::present || !unauthenticated_) return {};
    return {charge(address, unauthenticated_, now), true};
}

void Clients::note_refused(std::string_view address, Instant now)
{
    if (counts(address)) charge(address, refused_, now);
}

Clients::Connection::Connection(Clients* clients, std::string address, Instant now)
    : clients_(clients), address_(std::move(address))
{
    if (!clients_ || !clients_->connections_ || !clients_->counts(address_)) return;
    check_ = clients_->question(address_, *clients_->connections_);
    const auto taken = clients_->table_.take({&check_, 1}, {&decision_, 1}, now);
    if (taken && !decision_.allowed) refusal_ = Refusal{check_, decision_};
}

Clients::Connection::~Connection()
{
    if (decision_.holds_permit) clients_->table_.release({&check_, 1}, {&decision_, 1});
}

}  // namespace orggate::edge
