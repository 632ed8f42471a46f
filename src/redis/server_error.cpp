#include "redis/server_error.hpp"

#include "redis/slot_map.hpp"

#include <algorithm>
#include <charconv>
#include <optional>

namespace orggate::redis {

namespace {

struct Row {
    std::string_view code;
    Remedy remedy;
    Failure failure;
};

constexpr Row by_code[] = {
    {"NOSCRIPT", Remedy::send_text, Failure::defect},
    {"MOVED", Remedy::follow, Failure::down},
    {"ASK", Remedy::ask, Failure::down},
    {"TRYAGAIN", Remedy::wait, Failure::down},
    {"CLUSTERDOWN", Remedy::none, Failure::down},
    {"READONLY", Remedy::rediscover, Failure::down},
    {"MASTERDOWN", Remedy::rediscover, Failure::down},
    {"LOADING", Remedy::none, Failure::down},
    {"BUSY", Remedy::none, Failure::down},
    {"NOREPLICAS", Remedy::none, Failure::down},
    {"MISCONF", Remedy::none, Failure::down},
    {"OOM", Remedy::none, Failure::down},
    {"NOAUTH", Remedy::none, Failure::forbidden},
    {"WRONGPASS", Remedy::none, Failure::forbidden},
    {"NOPERM", Remedy::none, Failure::forbidden},
    {"WRONGTYPE", Remedy::none, Failure::defect},
    {"CROSSSLOT", Remedy::none, Failure::defect},
};

// What is said behind ERR alone; the row's code is what we call it.
struct Phrase {
    std::string_view start;
    Row row;
};

constexpr Phrase by_phrase[] = {
    {"The user executing the script can't", {"NOPERM", Remedy::none, Failure::forbidden}},
    {"max number of clients", {"MAXCLIENTS", Remedy::none, Failure::down}},
    {"Script killed by user", {"BUSY", Remedy::none, Failure::down}},
    {"operation not permitted", {"NOAUTH", Remedy::none, Failure::forbidden}},
    {"invalid password", {"WRONGPASS", Remedy::none, Failure::forbidden}},
};

constexpr Row anything_else{"ERR", Remedy::none, Failure::defect};

std::string_view take_word(std::string_view& text)
{
    const std::size_t end = std::min(text.find(' '), text.size());
    const std::string_view word = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    return word;
}

const Row* find_code(std::string_view word)
{
    for (const Row& row : by_code)
        if (row.code == word) return &row;
    return nullptr;
}

const Row* find_phrase(std::string_view text)
{
    for (const Phrase& phrase : by_phrase)
        if (text.starts_with(phrase.start)) return &phrase.row;
    return nullptr;
}

// "Error running script (call to f_SHA): @user_script:1: @user_script: 1: -OOM command not ..."
const Row* find_wrapped(std::string_view text)
{
    if (!text.starts_with("Error running script (call to f_")) return nullptr;
    const std::size_t last = text.find("@user_script: ");
    if (last == text.npos) return nullptr;
    text.remove_prefix(last + std::string_view("@user_script: ").size());
    const std::size_t colon = text.find(": ");  // behind the line's number
    if (colon == text.npos) return nullptr;
    text.remove_prefix(colon + 2);
    if (!text.starts_with('-')) return find_phrase(text);
    text.remove_prefix(1);
    return find_code(take_word(text));
}

std::optional<std::uint16_t> read_number(std::string_view digits)
{
    std::uint16_t number = 0;
    const auto* end = digits.data() + digits.size();
    const auto read = std::from_chars(digits.data(), end, number);
    if (read.ec != std::errc() || read.ptr != end) return std::nullopt;
    return number;
}

// "3999 127.0.0.1:6381", "3999 :6381", "3999 2001:db8::1:6381"
bool read_target(std::string_view text, ServerError& error)
{
    const auto slot = read_number(take_word(text));
    const std::string_view address = take_word(text);
    const std::size_t colon = address.rfind(':');
    if (!slot || *slot >= SlotMap::slots || colon == address.npos) return false;
    const auto port = read_number(address.substr(colon + 1));
    const std::string_view host = address.substr(0, colon);
    if (!port || *port == 0 || !(host.empty() || is_host(host))) return false;
    error.slot = *slot;
    error.port = *port;
    error.host = host;
    return true;
}

}  // namespace

ServerError classify(std::string_view text)
{
    const std::string_view code = take_word(text);
    const Row* row = find_code(code);
    if (!row && code == "ERR") row = find_phrase(text);
    if (!row && code == "ERR") row = find_wrapped(text);
    if (!row) row = &anything_else;
    ServerError error;
    error.remedy = row->remedy;
    error.failure = row->failure;
    error.code = row->code;
    const bool has_target = error.remedy == Remedy::follow || error.remedy == Remedy::ask;
    if (!has_target || read_target(text, error)) return error;
    error.remedy = Remedy::none;
    error.failure = Failure::defect;
    return error;
}

}  // namespace orggate::redis
