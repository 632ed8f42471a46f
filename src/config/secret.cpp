// Secrets, inline (meant for ${VAR}) or in a file. Messages never show them.

#include "config/sections.hpp"

#include <utility>

namespace orggate::config {

std::string trimmed(std::string_view text)
{
    const auto first = text.find_first_not_of(" \t\r\n");
    const auto last = text.find_last_not_of(" \t\r\n");
    return first == std::string_view::npos ? std::string()
                                           : std::string(text.substr(first, last - first + 1));
}

std::optional<Secret> read_secret(Reader& reader, const Map& map, std::string_view key,
    std::string_view file_key, std::string_view what)
{
    const auto inline_at = map[key], file_at = map[file_key];
    if (inline_at && file_at) {
        reader.error(file_at, std::string(key) + " is given as well; expected one of the two");
        return std::nullopt;
    }
    const auto text = inline_at ? reader.text(inline_at) : reader.file(file_at);
    if (!text) return std::nullopt;
    const auto& where = inline_at ? inline_at : file_at;
    auto secret = trimmed(*text);
    if (!secret.empty()) return Secret{where, std::move(secret)};
    reader.error(where, "found nothing, expected " + std::string(what));
    return std::nullopt;
}

}  // namespace orggate::config
