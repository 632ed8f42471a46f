#include "mint.hpp"

#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <algorithm>
#include <array>
#include <optional>
#include <stdexcept>

namespace clerk_sim {
namespace {

namespace json = boost::json;

constexpr std::array<std::string_view, 21> text_fields = {"org", "slug", "role", "per", "fpm",
    "fea", "pla", "permissions", "sub", "sid", "sts", "azp", "iss", "aud", "cat", "typ", "alg",
    "kid", "key", "raw_header", "raw_payload"};
constexpr std::array<std::string_view, 10> json_fields = {
    "v", "shape", "act", "fva", "ttl", "exp", "iat", "nbf", "header", "claims"};

bool is_one_of(const auto& names, std::string_view name)
{
    return !name.empty() && std::ranges::find(names, name) != names.end();
}

void check_names(const json::object& fields)
{
    for (const auto& field : fields)
        if (!is_one_of(text_fields, field.key()) && !is_one_of(json_fields, field.key()))
            throw std::invalid_argument("no field is called " + std::string(field.key()));
}

std::string text(const json::object& fields, std::string_view name, std::string_view otherwise)
{
    const json::value* value = fields.if_contains(name);
    if (!value) return std::string(otherwise);
    return value->is_string() ? std::string(value->get_string()) : std::string();
}

std::int64_t number(const json::object& fields, std::string_view name, std::int64_t otherwise)
{
    const json::value* value = fields.if_contains(name);
    if (!value || value->is_null()) return otherwise;
    if (!value->is_int64()) throw std::invalid_argument(std::string(name) + " is a whole number");
    return value->get_int64();
}

// Writes `to[name]`: the field if there is one (null: nothing), else `otherwise`.
void put(json::object& to, const json::object& fields, std::string_view name, json::value otherwise)
{
    const json::value* value = fields.if_contains(name);
    if (value) otherwise = *value;
    if (!otherwise.is_null()) to[name] = std::move(otherwise);
}

void put_as(json::object& to, std::string_view claim, const json::object& fields,
    std::string_view name, json::value otherwise = nullptr)
{
    const json::value* value = fields.if_contains(name);
    if (value) otherwise = *value;
    if (!otherwise.is_null()) to[claim] = std::move(otherwise);
}

// Seconds from now; an explicit null leaves the claim out.
void put_time(json::object& to, const json::object& fields, std::string_view name,
    std::int64_t offset, std::int64_t now)
{
    const json::value* value = fields.if_contains(name);
    if (value && value->is_null()) return;
    to[name] = now + number(fields, name, offset);
}

void merge(json::object& to, const json::object& fields, std::string_view name)
{
    const json::value* extra = fields.if_contains(name);
    if (!extra || extra->is_null()) return;
    if (!extra->is_object()) throw std::invalid_argument(std::string(name) + " is an object");
    for (const auto& member : extra->get_object())
        to[member.key()] = member.value();
}

json::value version_claim(const json::object& fields)
{
    const json::value* v = fields.if_contains("v");
    if (!v) return 2;
    if (v->is_string() && v->get_string() == "string") return "2";
    return *v;
}

std::string default_slug(const std::string& org)
{
    return org.starts_with("org_") ? org.substr(4) : org;
}

void put_organization_v2(json::object& claims, const json::object& fields, const std::string& org)
{
    json::object o{{"id", org}};
    put_as(o, "slg", fields, "slug", json::value(default_slug(org)));
    put_as(o, "rol", fields, "role", "admin");
    put_as(o, "per", fields, "per");
    put_as(o, "fpm", fields, "fpm");
    claims["o"] = std::move(o);
}

void put_organization_v1(json::object& claims, const json::object& fields, const std::string& org)
{
    claims["org_id"] = org;
    put_as(claims, "org_slug", fields, "slug", json::value(default_slug(org)));
    const std::string role = text(fields, "role", "admin");
    if (!role.empty()) claims["org_role"] = role.starts_with("org:") ? role : "org:" + role;
    json::array permissions;
    std::string list = text(fields, "permissions", "");
    for (std::size_t start = 0; start < list.size();) {
        const std::size_t end = std::min(list.find(',', start), list.size());
        permissions.emplace_back(list.substr(start, end - start));
        start = end + 1;
    }
    claims["org_permissions"] = std::move(permissions);
}

json::object make_claims(const Instance& instance, const json::object& fields, std::int64_t now)
{
    const json::value v = version_claim(fields);
    const bool is_v2 = v.is_int64() && v.get_int64() == 2;
    const std::int64_t shape = number(fields, "shape", is_v2 ? 2 : 1);
    json::object claims;
    put(claims, fields, "azp", nullptr);
    put_time(claims, fields, "exp", number(fields, "ttl", 60), now);
    put(claims, fields, "fva", json::array{0, -1});
    put_time(claims, fields, "iat", 0, now);
    put(claims, fields, "iss", json::value(instance.issuer()));
    put_time(claims, fields, "nbf", -10, now);
    put(claims, fields, "sid", "sess_2simulatedClerkSession00001");
    put(claims, fields, "sts", shape == 2 ? json::value("active") : json::value(nullptr));
    put(claims, fields, "sub", "user_2simulatedClerkUser0000001");
    for (const char* name : {"act", "aud", "fea", "pla"})
        put(claims, fields, name, nullptr);
    if (!v.is_null()) claims["v"] = v;
    const std::string org = text(fields, "org", "");
    if (!org.empty() && shape == 2) put_organization_v2(claims, fields, org);
    if (!org.empty() && shape != 2) put_organization_v1(claims, fields, org);
    merge(claims, fields, "claims");
    return claims;
}

// The category of a token; empty: no `cat`.
std::string category(const std::string& name)
{
    if (name == "session") return "cl_B7d4PD111AAA";
    if (name == "template") return "cl_B7d4PD222AAA";
    if (name == "machine") return "cl_B7d4PD333AAA";
    if (name == "neutral") return "cl_I7d4PD111III";
    return name == "none" ? "" : name;
}

std::string key_id(KeyRing& keys, const std::string& wanted)
{
    constexpr std::array<std::string_view, 4> names = {"current", "next", "old", "foreign"};
    return is_one_of(names, wanted) ? keys.find(wanted).id : wanted;
}

json::object make_header(KeyRing& keys, const SigningKey& key, const json::object& fields)
{
    json::object header;
    put(header, fields, "alg", "RS256");
    const std::string cat = category(text(fields, "cat", "session"));
    if (!cat.empty()) header["cat"] = cat;
    put(header, fields, "kid", json::value(key.id));
    if (const json::value* kid = header.if_contains("kid"); kid && kid->is_string())
        header["kid"] = key_id(keys, std::string(kid->get_string()));
    put(header, fields, "typ", "JWT");
    merge(header, fields, "header");
    return header;
}

}  // namespace

Minted mint(const Instance& instance, KeyRing& keys, const json::object& fields, std::int64_t now)
{
    check_names(fields);
    const SigningKey& key = keys.find(text(fields, "key", "current"));
    Minted made;
    made.header = fields.contains("raw_header") ? text(fields, "raw_header", "")
                                                : json::serialize(make_header(keys, key, fields));
    made.payload = fields.contains("raw_payload")
                       ? text(fields, "raw_payload", "")
                       : json::serialize(make_claims(instance, fields, now));
    made.token = base64url(made.header) + "." + base64url(made.payload);
    const std::string signature = sign(key, text(fields, "alg", "RS256"), made.token);
    made.token.append(1, '.').append(base64url(signature));
    return made;
}

json::value field_from_text(std::string_view name, const std::string& value)
{
    if (value == "absent") return nullptr;
    if (!is_one_of(json_fields, name) || (name == "v" && value == "string"))
        return json::value(value);
    boost::system::error_code error;
    json::value parsed = json::parse(value, error);
    if (error) throw std::invalid_argument(std::string(name) + " is JSON: " + value);
    return parsed;
}

}  // namespace clerk_sim
