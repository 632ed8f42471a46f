#include "orggate/http/managed_fields.hpp"

#include "http/field_class.hpp"
#include "http/field_fate.hpp"

#include <optional>

namespace orggate::http {

namespace {

FieldFate fate_of_ours(FieldClass field_class)
{
    switch (field_class) {
        case FieldClass::identity: return FieldFate::strip;
        case FieldClass::rewriting:
        case FieldClass::forwarded:
        case FieldClass::trace:
        case FieldClass::expected_org: return FieldFate::remove;
        case FieldClass::hop:
        case FieldClass::content_length:
        case FieldClass::transfer_encoding:
        case FieldClass::websocket: return FieldFate::hop;
        case FieldClass::other:
        case FieldClass::tracestate:
        case FieldClass::host:
        case FieldClass::authorization:
        case FieldClass::cookie: return FieldFate::keep;
    }
    return FieldFate::refuse;
}

std::optional<Spelling> find_chosen_name(std::string_view name, const HeaderNames& names)
{
    if (names.renamed.empty() && names.claims.empty() && names.assertion.empty()) return {};
    Spelling spelling;
    for (const auto& [identity, chosen] : names.renamed)
        if (reads_as(name, chosen, spelling)) return spelling;
    for (const auto& [chosen, claim] : names.claims)
        if (reads_as(name, chosen, spelling)) return spelling;
    if (reads_as(name, names.assertion, spelling)) return spelling;
    return {};
}

}  // namespace

std::string_view default_field_name(Identity identity)
{
    switch (identity) {
        case Identity::org_id: return "X-Org-Id";
        case Identity::org_slug: return "X-Org-Slug";
        case Identity::org_role: return "X-Org-Role";
        case Identity::org_permissions: return "X-Org-Permissions";
        case Identity::org_plan: return "X-Org-Plan";
        case Identity::org_features: return "X-Org-Features";
        case Identity::user_id: return "X-User-Id";
        case Identity::session_id: return "X-Session-Id";
        case Identity::actor_id: return "X-Actor-Id";
        case Identity::auth_kind: return "X-Auth-Kind";
    }
    return {};
}

FieldFate fate_of(std::string_view name, const NamedField& field, const HeaderNames& names)
{
    if (field.field_class != FieldClass::other) {
        if (field.spelling == Spelling::alias) return FieldFate::refuse;
        const FieldFate fate = fate_of_ours(field.field_class);
        if (fate != FieldFate::keep) return fate;
    }
    if (const auto spelling = find_chosen_name(name, names))
        return *spelling == Spelling::canonical ? FieldFate::strip : FieldFate::refuse;
    return field.is_odd ? FieldFate::odd : FieldFate::keep;
}

FieldFate request_field_fate(std::string_view name, const HeaderNames& names)
{
    return fate_of(name, classify_field(name), names);
}

bool is_withheld_from_client(std::string_view name, const HeaderNames& names)
{
    const NamedField field = classify_field(name);
    if (field.field_class == FieldClass::identity) return true;
    // Ours replaces it.
    if (same_name(name, "X-Request-Id")) return true;
    // Who reads it wants to know whose answer this is; an app could say it is ours.
    if (same_name(name, "Proxy-Status")) return true;
    return find_chosen_name(name, names).has_value();
}

const HeaderNames& default_header_names()
{
    static const HeaderNames names;
    return names;
}

bool same_name(std::string_view a, std::string_view b)
{
    if (a.size() != b.size()) return false;
    for (std::size_t i = 0; i < a.size(); ++i) {
        const auto lower = [](char c) {
            return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
        };
        if (lower(a[i]) != lower(b[i])) return false;
    }
    return true;
}

}  // namespace orggate::http
