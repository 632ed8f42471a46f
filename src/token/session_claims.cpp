#include "token/session_claims.hpp"

#include "token/flat_claims.hpp"
#include "token/jws.hpp"
#include "token/permissions.hpp"

#include <algorithm>
#include <utility>

namespace orggate::token {

namespace {

enum class Version { one, two };

// Letters and digits only: such an id can stand in a field, a log line and a key.
bool is_id(std::string_view text, std::string_view prefix)
{
    constexpr std::size_t max_rest = 64;
    if (text.substr(0, prefix.size()) != prefix) return false;
    const auto rest = text.substr(prefix.size());
    if (rest.empty() || rest.size() > max_rest) return false;
    return std::all_of(rest.begin(), rest.end(), [](char c) {
        return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
    });
}

// Null for a claim that is absent or JSON null: Clerk's SDK reads both as nothing.
const json::Value* find_claim(const json::Object& object, std::string_view name)
{
    const auto* value = object.find(name);
    return value == nullptr || value->is_null() ? nullptr : value;
}

// The claim's text; empty if there is none.
Result<std::string> read_text(const json::Object& object, std::string_view name)
{
    const auto* value = find_claim(object, name);
    if (value == nullptr) return std::string();
    const auto* text = value->as<std::string>();
    if (text == nullptr) return Denial::token_malformed;
    return *text;
}

// As read_text, but a text that could not stand in a header field is refused.
Result<std::string> read_word(const json::Object& object, std::string_view name)
{
    auto text = read_text(object, name);
    if (text && !text->empty() && !is_word(*text)) return Denial::token_malformed;
    return text;
}

Result<std::string> read_id(
    const json::Object& object, std::string_view name, std::string_view prefix)
{
    const auto* text = find_text(object, name);
    if (text == nullptr || !is_id(*text, prefix)) return Denial::token_malformed;
    return *text;
}

Result<Version> read_version(const json::Object& payload)
{
    const auto* value = payload.find("v");
    if (value == nullptr) return Version::one;
    const auto* number = value->as<std::int64_t>();
    if (number != nullptr && *number == 1) return Version::one;
    if (number != nullptr && *number == 2) return Version::two;
    return Denial::token_malformed;
}

// An impersonator must never be overlooked: an `act` we cannot read is refused.
Result<std::string> read_actor(const json::Object& payload)
{
    const auto* value = find_claim(payload, "act");
    if (value == nullptr) return std::string();
    const auto* actor = value->as<json::Object>();
    const auto* id = actor == nullptr ? nullptr : find_text(*actor, "sub");
    if (id == nullptr || !is_word(*id)) return Denial::token_malformed;
    return *id;
}

// A status we do not know is no active session.
Result<Status> read_status(const json::Object& payload)
{
    const auto text = read_text(payload, "sts");
    if (!text) return text.error();
    return text->empty() || *text == "active" ? Status::active : Status::pending;
}

std::optional<double> number_of(const json::Value& value)
{
    if (const auto* whole = value.as<std::int64_t>()) return static_cast<double>(*whole);
    if (const auto* number = value.as<double>()) return *number;
    return std::nullopt;
}

// Unreadable ages are no ages: what demands a fresh factor then refuses.
std::optional<FactorAges> read_factor_ages(const json::Object& payload)
{
    const auto* value = payload.find("fva");
    const auto* list = value == nullptr ? nullptr : value->as<json::Array>();
    if (list == nullptr || list->size() != 2) return std::nullopt;
    const auto first = number_of(list->front()), second = number_of(list->back());
    if (!first || !second) return std::nullopt;
    return FactorAges{*first, *second};
}

Result<Scoped> read_scoped(const json::Object& payload, std::string_view name)
{
    const auto text = read_text(payload, name);
    if (!text) return text.error();
    auto lists = parse_scoped(*text);
    if (!lists) return Denial::token_malformed;
    return std::move(*lists);
}

Result<std::vector<std::string>> read_words(const json::Object& object, std::string_view name)
{
    std::vector<std::string> words;
    const auto* value = find_claim(object, name);
    if (value == nullptr) return words;
    const auto* list = value->as<json::Array>();
    if (list == nullptr) return Denial::token_malformed;
    for (const auto& entry : *list) {
        const auto* text = entry.as<std::string>();
        if (text == nullptr || !is_word(*text)) return Denial::token_malformed;
        words.push_back(*text);
    }
    return words;
}

using OptionalOrg = std::optional<Organisation>;

Result<OptionalOrg> read_org_one(const json::Object& payload)
{
    if (find_claim(payload, "org_id") == nullptr) return OptionalOrg();
    auto id = read_id(payload, "org_id", "org_");
    auto slug = read_word(payload, "org_slug");
    auto role = read_word(payload, "org_role");
    auto permissions = read_words(payload, "org_permissions");
    if (!id || !slug || !role || !permissions) return Denial::token_malformed;
    return OptionalOrg(
        Organisation{std::move(*id), std::move(*slug), std::move(*role), std::move(*permissions)});
}

Result<std::vector<std::string>> read_permissions(
    const json::Object& org, const std::vector<std::string>& features)
{
    const auto names = read_text(org, "per"), bitmaps = read_text(org, "fpm");
    if (!names || !bitmaps) return Denial::token_malformed;
    auto permissions = unpack_permissions(features, *names, *bitmaps);
    if (!permissions) return Denial::token_malformed;
    // Feature and name are words, their combination may be too long for one.
    if (!std::all_of(permissions->begin(), permissions->end(), is_word))
        return Denial::token_malformed;
    return std::move(*permissions);
}

Result<OptionalOrg> read_org_two(
    const json::Object& payload, const std::vector<std::string>& features)
{
    const auto* value = payload.find("o");
    if (value == nullptr) return OptionalOrg();
    const auto* org = value->as<json::Object>();
    if (org == nullptr) return Denial::token_malformed;
    auto id = read_id(*org, "id", "org_");
    auto slug = read_word(*org, "slg"), role = read_word(*org, "rol");
    auto permissions = read_permissions(*org, features);
    if (!id || !slug || !role || !permissions) return Denial::token_malformed;
    if (!role->empty()) role->insert(0, "org:");
    return OptionalOrg(
        Organisation{std::move(*id), std::move(*slug), std::move(*role), std::move(*permissions)});
}

}  // namespace

Result<Session> read_session(const json::Object& payload)
{
    const auto version = read_version(payload);
    if (!version) return version.error();
    auto user = read_id(payload, "sub", "user_"), id = read_id(payload, "sid", "sess_");
    if (!user || !id) return Denial::token_malformed;
    auto actor = read_actor(payload);
    if (!actor) return actor.error();
    const auto status = read_status(payload);
    if (!status) return status.error();
    auto features = read_scoped(payload, "fea"), plans = read_scoped(payload, "pla");
    if (!features || !plans) return Denial::token_malformed;
    auto org =
        *version == Version::two ? read_org_two(payload, features->org) : read_org_one(payload);
    if (!org) return org.error();

    Session session;
    session.user_id = std::move(*user);
    session.session_id = std::move(*id);
    session.actor_id = std::move(*actor);
    session.organisation = std::move(*org);
    session.org_features = std::move(features->org);
    session.user_features = std::move(features->user);
    session.org_plans = std::move(plans->org);
    session.user_plans = std::move(plans->user);
    session.factor_ages = read_factor_ages(payload);
    session.status = *status;
    session.claims = flatten_claims(payload);
    return session;
}

}  // namespace orggate::token
