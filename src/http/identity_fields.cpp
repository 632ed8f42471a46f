#include "http/identity_fields.hpp"

#include "http/trusted_field.hpp"

#include <cstddef>
#include <string_view>
#include <vector>

namespace orggate::http {

namespace {

struct Writer {
    std::string& out;
    const HeaderNames& names;
    bool is_refused = false;
    Lists lists = Lists::complete;

    std::string_view name_of(Identity identity) const
    {
        if (names.renamed.empty()) return default_field_name(identity);
        const auto renamed = names.renamed.find(identity);
        return renamed == names.renamed.end() ? default_field_name(identity)
                                              : std::string_view(renamed->second);
    }

    void value(std::string_view name, std::string_view text)
    {
        if (!text.empty() && !append_trusted_field(out, name, text)) is_refused = true;
    }

    void value(Identity identity, std::string_view text) { value(name_of(identity), text); }

    void list(Identity identity, const std::vector<std::string>& members);
};

std::size_t joined_size(const std::vector<std::string>& members)
{
    std::size_t size = members.size() - 1;
    for (const std::string& member : members)
        size += member.size();
    return size;
}

void Writer::list(Identity identity, const std::vector<std::string>& members)
{
    if (members.empty()) return;
    // Half a list would read as a whole one.
    if (joined_size(members) > max_trusted_value) {
        lists = Lists::left_out;
        return;
    }
    out.append(name_of(identity)).append(": ");
    for (const std::string& member : members) {
        // A comma in one member would read as two.
        if (!is_trusted_value(member) || member.find(',') != std::string::npos) is_refused = true;
        out.append(member) += ',';
    }
    out.back() = '\r';
    out += '\n';
}

}  // namespace

Result<Lists> append_identity(
    std::string& out, const token::Session& session, const HeaderNames& names)
{
    Writer writer{out, names};
    if (session.organisation) {
        writer.value(Identity::org_id, session.organisation->id);
        writer.value(Identity::org_slug, session.organisation->slug);
        writer.value(Identity::org_role, session.organisation->role);
        writer.list(Identity::org_permissions, session.organisation->permissions);
        writer.list(Identity::org_plan, session.org_plans);
        writer.list(Identity::org_features, session.org_features);
    }
    writer.value(Identity::user_id, session.user_id);
    writer.value(Identity::session_id, session.session_id);
    writer.value(Identity::actor_id, session.actor_id);
    writer.value(Identity::auth_kind, "session");
    // Claims may be a user's own words. One that cannot stand in a field is left out:
    // absent says no more than a token without it, and nobody is locked out by a name.
    for (const auto& [name, path] : names.claims)
        if (const auto claim = session.claims.find(path); claim != session.claims.end())
            if (is_trusted_value(claim->second)) append_field(out, name, claim->second);
    if (writer.is_refused) return Denial::token_malformed;
    return writer.lists;
}

}  // namespace orggate::http
