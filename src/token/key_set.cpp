#include "orggate/token/key_set.hpp"

#include "token/base64url.hpp"
#include "token/json.hpp"
#include "token/jws.hpp"
#include "token/signature.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <set>

namespace orggate::token {

namespace {

using Key = std::unique_ptr<const SigningKey>;

constexpr std::size_t max_keys = 32;
constexpr json::Limits jwks_limits{.bytes = 256 * 1024, .depth = 8};

bool is_for_verifying(const json::Object& jwk)
{
    if (const auto* use = jwk.find("use")) {
        const auto* text = use->as<std::string>();
        if (text == nullptr || *text != "sig") return false;
    }
    const auto* operations = jwk.find("key_ops");
    if (operations == nullptr) return true;
    const auto* list = operations->as<json::Array>();
    return list != nullptr && std::any_of(list->begin(), list->end(), [](const json::Value& entry) {
        const auto* text = entry.as<std::string>();
        return text != nullptr && *text == "verify";
    });
}

// A private half that was published is known to everybody.
bool is_public(const json::Object& jwk)
{
    constexpr std::array names{"d", "p", "q", "dp", "dq", "qi", "oth", "k"};
    return std::none_of(
        names.begin(), names.end(), [&jwk](const char* name) { return jwk.find(name) != nullptr; });
}

std::string number_bytes(const json::Object& jwk, std::string_view name)
{
    const auto* text = find_text(jwk, name);
    return text == nullptr ? std::string() : decode_base64url(*text).value_or(std::string());
}

// Null if this member cannot verify a session token.
Key usable_key(const json::Object& jwk)
{
    const auto* type = find_text(jwk, "kty");
    if (type == nullptr || *type != "RSA") return nullptr;
    if (!is_for_verifying(jwk) || !is_public(jwk)) return nullptr;
    std::optional<Algorithm> only;
    if (jwk.find("alg") != nullptr) {
        const auto* name = find_text(jwk, "alg");
        only = name == nullptr ? std::nullopt : parse_algorithm(*name);
        if (!only) return nullptr;
    }
    return SigningKey::from_numbers(number_bytes(jwk, "n"), number_bytes(jwk, "e"), only);
}

void erase_all(std::string& text, std::string_view piece)
{
    for (auto at = text.find(piece); at != std::string::npos; at = text.find(piece, at))
        text.erase(at, piece.size());
}

// The DER inside a PEM text, or of bare base64.
std::optional<std::string> pem_bytes(std::string_view text)
{
    std::string body(text);
    for (const auto piece : {"-----BEGIN PUBLIC KEY-----", "-----END PUBLIC KEY-----", "\\r", "\\n",
             "\r", "\n", "\t", " "})
        erase_all(body, piece);
    while (!body.empty() && body.back() == '=')
        body.pop_back();
    if (body.find_first_of("-_") != std::string::npos) return std::nullopt;
    std::replace(body.begin(), body.end(), '+', '-');
    std::replace(body.begin(), body.end(), '/', '_');
    return decode_base64url(body);
}

}  // namespace

struct KeySet::Keys {
    std::map<std::string, Key, std::less<>> by_id;
    Key any_id;  // from PEM
};

KeySet::KeySet() : keys_(std::make_unique<Keys>()) {}

KeySet::~KeySet() = default;

boost::system::result<std::shared_ptr<const KeySet>, std::string> KeySet::parse_jwks(
    std::string_view text)
{
    const auto document = json::parse_object(text, jwks_limits);
    if (!document) return std::string("not a JSON object");
    const auto* member = document->find("keys");
    const auto* list = member == nullptr ? nullptr : member->as<json::Array>();
    if (list == nullptr) return std::string("no array named keys");
    if (list->size() > max_keys) return std::string("more than 32 keys");

    const std::shared_ptr<KeySet> set(new KeySet());
    std::set<std::string_view> seen;
    for (const auto& entry : *list) {
        const auto* jwk = entry.as<json::Object>();
        const auto* id = jwk == nullptr ? nullptr : find_text(*jwk, "kid");
        if (id == nullptr || id->empty()) continue;
        if (!seen.insert(*id).second) return std::string("a key id twice");
        if (auto key = usable_key(*jwk)) set->keys_->by_id.emplace(*id, std::move(key));
    }
    if (set->size() == 0) return std::string("no usable RSA signing key");
    return std::shared_ptr<const KeySet>(set);
}

boost::system::result<std::shared_ptr<const KeySet>, std::string> KeySet::parse_pem(
    std::string_view text)
{
    const auto der = pem_bytes(text);
    if (!der) return std::string("not a PEM public key");
    const std::shared_ptr<KeySet> set(new KeySet());
    set->keys_->any_id = SigningKey::from_der(*der, Algorithm::rs256);
    if (!set->keys_->any_id)
        return std::string("not an RSA public key of 2048 to 8192 bits (SubjectPublicKeyInfo)");
    return std::shared_ptr<const KeySet>(set);
}

const SigningKey* KeySet::find(std::string_view key_id) const
{
    if (keys_->any_id) return keys_->any_id.get();
    const auto found = keys_->by_id.find(key_id);
    return found == keys_->by_id.end() ? nullptr : found->second.get();
}

std::size_t KeySet::size() const
{
    return keys_->by_id.size() + (keys_->any_id ? 1 : 0);
}

}  // namespace orggate::token
