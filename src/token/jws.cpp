#include "token/jws.hpp"

#include "token/base64url.hpp"

#include <utility>

namespace orggate::token {

std::optional<Jws> split_compact(std::string_view compact)
{
    if (compact.size() > max_compact_size) return std::nullopt;
    const auto first = compact.find('.');
    const auto last = compact.rfind('.');
    if (first == last) return std::nullopt;  // none or one
    if (first > max_header_size) return std::nullopt;
    // A dot left inside the middle part is no base64url digit.
    auto header = decode_base64url(compact.substr(0, first));
    auto payload = decode_base64url(compact.substr(first + 1, last - first - 1));
    auto signature = decode_base64url(compact.substr(last + 1));
    if (!header || !payload || !signature) return std::nullopt;
    return Jws{
        compact.substr(0, last), std::move(*header), std::move(*payload), std::move(*signature)};
}

std::optional<Claims> read_claims(const Jws& jws)
{
    auto header = json::parse_object(jws.header);
    if (!header) return std::nullopt;
    auto payload = json::parse_object(jws.payload);
    if (!payload) return std::nullopt;
    return Claims{std::move(*header), std::move(*payload)};
}

const std::string* find_text(const json::Object& object, std::string_view name)
{
    const auto* value = object.find(name);
    return value == nullptr ? nullptr : value->as<std::string>();
}

}  // namespace orggate::token
