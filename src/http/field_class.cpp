#include "http/field_class.hpp"

#include <array>
#include <cstddef>
#include <cstdint>

namespace orggate::http {

namespace {

struct Entry {
    std::string_view name;
    FieldClass field_class = FieldClass::other;
};

constexpr std::array entries{
    Entry{"x-org-id", FieldClass::identity},
    Entry{"x-org-slug", FieldClass::identity},
    Entry{"x-org-role", FieldClass::identity},
    Entry{"x-org-permissions", FieldClass::identity},
    Entry{"x-org-plan", FieldClass::identity},
    Entry{"x-org-features", FieldClass::identity},
    Entry{"x-user-id", FieldClass::identity},
    Entry{"x-session-id", FieldClass::identity},
    Entry{"x-actor-id", FieldClass::identity},
    Entry{"x-auth-kind", FieldClass::identity},

    Entry{"x-original-url", FieldClass::rewriting},
    Entry{"x-rewrite-url", FieldClass::rewriting},
    Entry{"x-http-method-override", FieldClass::rewriting},
    Entry{"x-method-override", FieldClass::rewriting},
    Entry{"x-original-method", FieldClass::rewriting},
    Entry{"forwarded", FieldClass::rewriting},
    Entry{"x-real-ip", FieldClass::rewriting},
    Entry{"true-client-ip", FieldClass::rewriting},
    Entry{"cf-connecting-ip", FieldClass::rewriting},
    Entry{"x-client-ip", FieldClass::rewriting},
    Entry{"proxy", FieldClass::rewriting},
    Entry{"x-matched-path", FieldClass::rewriting},
    Entry{"x-action-forwarded", FieldClass::rewriting},
    Entry{"x-now-route-matches", FieldClass::rewriting},

    Entry{"x-request-id", FieldClass::trace},
    Entry{"traceparent", FieldClass::trace},
    Entry{"tracestate", FieldClass::tracestate},
    Entry{"x-expected-org", FieldClass::expected_org},

    Entry{"connection", FieldClass::hop},
    Entry{"keep-alive", FieldClass::hop},
    Entry{"proxy-connection", FieldClass::hop},
    Entry{"proxy-authenticate", FieldClass::hop},
    Entry{"proxy-authorization", FieldClass::hop},
    Entry{"te", FieldClass::hop},
    Entry{"trailer", FieldClass::hop},
    Entry{"upgrade", FieldClass::hop},
    Entry{"http2-settings", FieldClass::hop},
    Entry{"expect", FieldClass::hop},

    Entry{"content-length", FieldClass::content_length},
    Entry{"transfer-encoding", FieldClass::transfer_encoding},
    Entry{"host", FieldClass::host},
    Entry{"authorization", FieldClass::authorization},
    Entry{"cookie", FieldClass::cookie},

    Entry{"sec-websocket-key", FieldClass::websocket},
    Entry{"sec-websocket-version", FieldClass::websocket},
    Entry{"sec-websocket-protocol", FieldClass::websocket},
    Entry{"sec-websocket-extensions", FieldClass::websocket},
    Entry{"sec-websocket-accept", FieldClass::websocket},
};

constexpr std::array families{
    Entry{"x-forwarded-", FieldClass::forwarded},
    Entry{"x-clerk-", FieldClass::rewriting},
    Entry{"x-middleware-", FieldClass::rewriting},
    Entry{"x-invoke-", FieldClass::rewriting},
};

constexpr unsigned char fold_byte(unsigned char c)
{
    if (c >= 'A' && c <= 'Z') return static_cast<unsigned char>(c + 32);
    if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')) return c;
    return '-';
}

constexpr bool is_odd_byte(unsigned char c)
{
    return fold_byte(c) == '-' && c != '-';
}

struct Bytes {
    std::array<unsigned char, 256> folded{};
    std::array<bool, 256> odd{};
};

constexpr Bytes make_bytes()
{
    Bytes bytes;
    for (std::size_t i = 0; i < 256; ++i) {
        bytes.folded[i] = fold_byte(static_cast<unsigned char>(i));
        bytes.odd[i] = is_odd_byte(static_cast<unsigned char>(i));
    }
    return bytes;
}

constexpr Bytes bytes = make_bytes();

constexpr unsigned char folded_at(std::string_view text, std::size_t i)
{
    return bytes.folded[static_cast<unsigned char>(text[i])];
}

constexpr std::size_t slots = 1024;

// Length and three letters tell our names apart; a wrong guess costs one comparison.
constexpr std::size_t slot_of(std::string_view name, std::uint32_t factor)
{
    const std::uint32_t key = static_cast<std::uint32_t>(name.size() & 0xff) |
                              static_cast<std::uint32_t>(folded_at(name, 0)) << 8 |
                              static_cast<std::uint32_t>(folded_at(name, name.size() / 2)) << 16 |
                              static_cast<std::uint32_t>(folded_at(name, name.size() - 1)) << 24;
    return (key * factor) >> 22;
}

struct Slots {
    std::uint32_t factor = 0;                 // 0: none found
    std::array<std::uint8_t, slots> entry{};  // index + 1; 0: empty
};

constexpr bool fill(Slots& table)
{
    table.entry = {};
    for (std::size_t i = 0; i < entries.size(); ++i) {
        auto& entry = table.entry[slot_of(entries[i].name, table.factor)];
        if (entry != 0) return false;
        entry = static_cast<std::uint8_t>(i + 1);
    }
    return true;
}

// Looks for a multiplier under which no two names share a slot.
constexpr Slots make_slots()
{
    Slots table;
    for (std::uint32_t i = 0; i < 200; ++i) {
        table.factor = 2654435761u + i * 0x9e3779b2u;
        if (fill(table)) return table;
    }
    table.factor = 0;
    return table;
}

constexpr Slots table = make_slots();
static_assert(table.factor != 0, "two names of ours share a slot: try more factors");
static_assert(slots == std::size_t{1} << (32 - 22));

bool folds_to(std::string_view name, std::string_view wanted)
{
    for (std::size_t i = 0; i < wanted.size(); ++i)
        if (folded_at(name, i) != static_cast<unsigned char>(wanted[i])) return false;
    return true;
}

FieldClass find_class(std::string_view name)
{
    if (name.size() < 2) return FieldClass::other;
    if (const auto index = table.entry[slot_of(name, table.factor)]; index != 0) {
        const Entry& entry = entries[index - 1u];
        if (entry.name.size() == name.size() && folds_to(name, entry.name))
            return entry.field_class;
    }
    if (folded_at(name, 0) != 'x' || folded_at(name, 1) != '-') return FieldClass::other;
    for (const Entry& family : families)
        if (name.size() > family.name.size() && folds_to(name, family.name))
            return family.field_class;
    return FieldClass::other;
}

std::string_view trim(std::string_view name)
{
    while (!name.empty() && folded_at(name, 0) == '-')
        name.remove_prefix(1);
    while (!name.empty() && folded_at(name, name.size() - 1) == '-')
        name.remove_suffix(1);
    return name;
}

bool has_odd_byte(std::string_view name)
{
    bool odd = false;
    for (const char c : name)
        odd |= bytes.odd[static_cast<unsigned char>(c)];
    return odd;
}

}  // namespace

NamedField classify_field(std::string_view name)
{
    NamedField result;
    const std::string_view middle = trim(name);
    result.is_odd = name.empty() || has_odd_byte(name);
    result.field_class = find_class(middle);
    if (result.is_odd || middle.size() != name.size()) result.spelling = Spelling::alias;
    return result;
}

bool reads_as(std::string_view name, std::string_view wanted, Spelling& spelling)
{
    const std::string_view middle = trim(name), target = trim(wanted);
    if (middle.size() != target.size() || target.empty()) return false;
    bool same = name.size() == wanted.size();
    for (std::size_t i = 0; i < target.size(); ++i) {
        if (folded_at(middle, i) != folded_at(target, i)) return false;
        same = same && bytes.odd[static_cast<unsigned char>(middle[i])] ==
                           bytes.odd[static_cast<unsigned char>(target[i])];
    }
    spelling = same ? Spelling::canonical : Spelling::alias;
    return true;
}

}  // namespace orggate::http
