#include "http/quota_merge.hpp"

#include "http/quota_list.hpp"
#include "http/token_list.hpp"
#include "http/trusted_field.hpp"
#include "orggate/http/managed_fields.hpp"

#include <algorithm>
#include <charconv>
#include <limits>
#include <optional>
#include <vector>

namespace orggate::http {

namespace {

constexpr std::string_view policy_name = "RateLimit-Policy", state_name = "RateLimit";

// One form of three fields.
struct Three {
    std::string_view limit, remaining, reset;

    bool has(std::string_view name) const
    {
        return same_name(name, limit) || same_name(name, remaining) || same_name(name, reset);
    }
};
constexpr Three forms[] = {
    {"X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset"},
    {"RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset"},
};

using Fields = std::span<const Field>;

// Complete lines, cut into fields.
std::vector<Field> fields_in(std::string_view lines)
{
    std::vector<Field> fields;
    while (!lines.empty()) {
        const auto end = std::min(lines.find("\r\n"), lines.size());
        const auto line = lines.substr(0, end);
        const auto colon = line.find(':');
        if (colon != line.npos)
            fields.push_back({line.substr(0, colon), trim_blanks(line.substr(colon + 1))});
        lines.remove_prefix(std::min(end + 2, lines.size()));
    }
    return fields;
}

// All lines of one name as one value (RFC 9110 section 5.3).
std::string joined(Fields fields, std::string_view name)
{
    std::string value;
    for (const Field& field : fields)
        if (same_name(field.name, name))
            value.append(value.empty() ? "" : ", ").append(field.value);
    return value;
}

using Items = std::vector<QuotaItem>;

bool has(const Items& items, std::string_view name)
{
    return std::any_of(
        items.begin(), items.end(), [&](const QuotaItem& item) { return item.name == name; });
}

// One name may come several times: the least counts. What is not said is no limit.
std::int64_t least(
    const Items& items, std::string_view name, std::optional<std::int64_t> QuotaItem::*member)
{
    auto smallest = std::numeric_limits<std::int64_t>::max();
    for (const QuotaItem& item : items)
        if (item.name == name && item.*member) smallest = std::min(smallest, *(item.*member));
    return smallest;
}

// What one side says: its two lists, as written and, where they can be, read.
struct Side {
    explicit Side(Fields fields)
        : policy_text(joined(fields, policy_name)), state_text(joined(fields, state_name))
    {
        auto policies = parse_quota_list(policy_text);
        auto states = parse_quota_list(state_text);
        is_read = policies && states;
        if (!is_read) return;
        policy = std::move(*policies);
        state = std::move(*states);
    }
    Side(const Side&) = delete;  // the items are views into the texts
    Side& operator=(const Side&) = delete;

    bool names(std::string_view item) const { return has(policy, item) || has(state, item); }

    // How much it leaves under this name, at most its quota.
    std::int64_t remaining(std::string_view item) const
    {
        return std::min(least(state, item, &QuotaItem::remaining), quota(item));
    }
    std::int64_t quota(std::string_view item) const
    {
        return least(policy, item, &QuotaItem::quota);
    }

    std::string policy_text, state_text;
    Items policy, state;
    bool is_read = false;
};

// Whether `side` yields this name to `other`. Ours stand where both say the same.
bool yields(const Side& side, const Side& other, std::string_view name, bool is_ours)
{
    if (!other.names(name)) return false;
    const auto a = side.remaining(name), b = other.remaining(name);
    if (a != b) return a > b;
    const auto qa = side.quota(name), qb = other.quota(name);
    return qa != qb ? qa > qb : !is_ours;
}

void append_kept(
    std::string& out, const Items& items, const Side& side, const Side& other, bool is_ours)
{
    for (const QuotaItem& item : items)
        if (!yields(side, other, item.name, is_ours))
            out.append(out.empty() ? "" : ", ").append(item.text);
}

void append_line(std::string& out, std::string_view name, std::string_view value)
{
    if (!value.empty()) append_field(out, name, value);
}

void append_lists(std::string& out, Fields theirs, Fields ours)
{
    const Side upstream(theirs), own(ours);
    for (const std::string_view name : {policy_name, state_name}) {
        const bool is_policy = name == policy_name;
        if (!upstream.is_read || !own.is_read) {
            append_line(out, name, is_policy ? upstream.policy_text : upstream.state_text);
            append_line(out, name, is_policy ? own.policy_text : own.state_text);
            continue;
        }
        std::string kept;
        append_kept(kept, is_policy ? upstream.policy : upstream.state, upstream, own, false);
        append_line(out, name, kept);
        kept.clear();
        append_kept(kept, is_policy ? own.policy : own.state, own, upstream, true);
        append_line(out, name, kept);
    }
}

// The leading number of a value (some servers say more behind it), the least of several.
std::optional<std::int64_t> remaining_in(Fields fields, const Three& form)
{
    std::optional<std::int64_t> remaining;
    for (const Field& field : fields) {
        if (!same_name(field.name, form.remaining)) continue;
        const std::string_view value = field.value;
        std::int64_t number = 0;
        const auto read = std::from_chars(value.data(), value.data() + value.size(), number);
        if (read.ec == std::errc()) remaining = std::min(remaining.value_or(number), number);
    }
    return remaining;
}

void append_three(std::string& out, Fields theirs, Fields ours, const Three& form)
{
    const auto left = remaining_in(theirs, form), own_left = remaining_in(ours, form);
    // Theirs without a number cannot be looser or stricter than anything.
    const bool theirs_stand = !own_left || (left && *left < *own_left);
    for (const Field& field : theirs_stand ? theirs : ours)
        if (form.has(field.name)) append_field(out, field.name, field.value);
}

}  // namespace

bool is_quota_field(std::string_view name)
{
    // Most names of most answers end here.
    constexpr std::size_t longest = forms[0].remaining.size();
    if (name.size() < state_name.size() || name.size() > longest) return false;
    const int first = name.front() | 0x20;
    if (first != 'r' && first != 'x') return false;
    return same_name(name, state_name) || same_name(name, policy_name) || forms[0].has(name) ||
           forms[1].has(name);
}

void append_merged_quota_fields(
    std::string& out, std::span<const Field> theirs, std::string_view ours)
{
    const auto own = fields_in(ours);
    append_lists(out, theirs, own);
    for (const Three& form : forms)
        append_three(out, theirs, own, form);
    for (const Field& field : own)
        if (!is_quota_field(field.name)) append_field(out, field.name, field.value);
}

std::string_view quota_fields_for(int status, std::string_view ours, std::string& kept)
{
    const bool is_redirect = status >= 300 && status < 400 && status != 304;
    if (!is_redirect || ours.empty()) return ours;
    const auto own = fields_in(ours);
    const Side side(own);
    const bool is_used_up = std::any_of(side.state.begin(), side.state.end(),
        [](const QuotaItem& item) { return item.remaining == 0; });
    if (!is_used_up) return ours;
    for (const Field& field : own)
        if (!same_name(field.name, state_name)) append_field(kept, field.name, field.value);
    return kept;
}

}  // namespace orggate::http
