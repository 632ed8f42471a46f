#include "http/framing_fields.hpp"

#include "http/octets.hpp"
#include "http/token_list.hpp"
#include "orggate/http/managed_fields.hpp"

#include <optional>

namespace orggate::http {

namespace {

std::optional<std::uint64_t> parse_length(std::string_view digits)
{
    if (digits.empty()) return {};
    constexpr std::uint64_t limit = std::uint64_t{1} << 63;
    std::uint64_t value = 0;
    for (const char c : digits) {
        if (!is_digit(c)) return {};
        const auto digit = static_cast<std::uint64_t>(c - '0');
        if (value > (limit - 1 - digit) / 10) return {};
        value = value * 10 + digit;
    }
    return value;
}

// Codings as tokens, with something other than `chunked` among them: a request we
// understand and cannot serve. All else is a spelling that only one side might take
// for chunked.
bool names_another_coding(std::string_view list)
{
    bool is_well_formed = true, has_other = false;
    for_each_member(list, [&](std::string_view member) {
        is_well_formed = is_well_formed && !member.empty() && consists_of(member, Octet::tchar);
        has_other = has_other || !same_name(member, "chunked");
    });
    return is_well_formed && has_other;
}

}  // namespace

Result<FramingFields> read_framing(
    const Seen& content_length, const Seen& transfer_encoding, int minor_version)
{
    FramingFields framing;
    if (transfer_encoding.times > 0) {
        const bool stands_alone = transfer_encoding.times == 1 && content_length.times == 0;
        if (!stands_alone || minor_version < 1) return Denial::bad_transfer_encoding;
        framing.is_chunked = same_name(transfer_encoding.value, "chunked");
        if (framing.is_chunked) return framing;
        return names_another_coding(transfer_encoding.value) ? Denial::coding_unsupported
                                                             : Denial::bad_transfer_encoding;
    }
    if (content_length.times == 0) return framing;
    const auto length = parse_length(content_length.value);
    if (content_length.times > 1 || !length) return Denial::bad_content_length;
    framing.has_length = true;
    framing.length = *length;
    return framing;
}

}  // namespace orggate::http
