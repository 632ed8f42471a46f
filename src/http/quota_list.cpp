#include "http/quota_list.hpp"

#include "http/octets.hpp"

#include <charconv>

namespace orggate::http {

namespace {

constexpr std::size_t most_items = 32;
constexpr std::size_t most_digits = 15;

bool is_lower(char c)
{
    return c >= 'a' && c <= 'z';
}

bool is_key_character(char c)
{
    return is_lower(c) || is_digit(c) || c == '_' || c == '-' || c == '.' || c == '*';
}

bool is_token_character(char c)
{
    return is(c, Octet::tchar) || c == ':' || c == '/';
}

bool is_base64(char c)
{
    return is_digit(c) || is_lower(c) || (c >= 'A' && c <= 'Z') || c == '+' || c == '/' || c == '=';
}

// Reads from the front of a text; every function gives false where it is not as it should be.
class Reader {
public:
    explicit Reader(std::string_view text) : rest_(text) {}

    bool is_done() const { return rest_.empty(); }
    std::string_view rest() const { return rest_; }

    bool take(char wanted)
    {
        if (rest_.empty() || rest_.front() != wanted) return false;
        rest_.remove_prefix(1);
        return true;
    }

    void skip_blanks(bool tabs_too)
    {
        while (!rest_.empty() && (rest_.front() == ' ' || (tabs_too && rest_.front() == '\t')))
            rest_.remove_prefix(1);
    }

    template <class Kind>
    std::string_view take_while(Kind kind)
    {
        std::size_t length = 0;
        while (length < rest_.size() && kind(rest_[length]))
            ++length;
        const auto taken = rest_.substr(0, length);
        rest_.remove_prefix(length);
        return taken;
    }

    bool string(std::string& value)
    {
        if (!take('"')) return false;
        while (!rest_.empty()) {
            char c = rest_.front();
            rest_.remove_prefix(1);
            if (c == '"') return true;
            if (c == '\\') {
                if (rest_.empty() || (rest_.front() != '"' && rest_.front() != '\\')) return false;
                c = rest_.front();
                rest_.remove_prefix(1);
            } else if (c < ' ' || c > '~') {
                return false;
            }
            value.push_back(c);
        }
        return false;
    }

    bool key(std::string_view& name)
    {
        if (rest_.empty() || !(is_lower(rest_.front()) || rest_.front() == '*')) return false;
        name = take_while(&is_key_character);
        return true;
    }

    // An integer is given, a decimal is passed over.
    bool number(std::optional<std::int64_t>& value)
    {
        const bool is_negative = take('-');
        const auto whole = take_while([](char c) { return is_digit(c); });
        if (whole.empty() || whole.size() > most_digits) return false;
        if (take('.')) {
            const auto places = take_while([](char c) { return is_digit(c); });
            return !places.empty() && places.size() <= 3 && whole.size() <= 12;
        }
        std::int64_t number = 0;
        std::from_chars(whole.data(), whole.data() + whole.size(), number);
        value = is_negative ? -number : number;
        return true;
    }

    bool bytes()
    {
        take_while(&is_base64);
        return take(':');
    }

    // Any bare item; only an integer's value is of interest.
    bool bare_item(std::optional<std::int64_t>& integer)
    {
        std::string ignored;
        std::optional<std::int64_t> date;
        if (rest_.empty()) return false;
        const char first = rest_.front();
        if (first == '"') return string(ignored);
        if (take(':')) return bytes();
        if (take('?')) return take('0') || take('1');
        if (take('@')) return number(date) && date;
        if (first == '-' || is_digit(first)) return number(integer);
        if (!is_lower(first) && !(first >= 'A' && first <= 'Z') && first != '*') return false;
        take_while(&is_token_character);
        return true;
    }

private:
    std::string_view rest_;
};

// The last of two parameters of one name counts (RFC 9651 section 4.2.3.2).
bool read_parameters(Reader& reader, QuotaItem& item)
{
    while (reader.take(';')) {
        reader.skip_blanks(false);
        std::string_view key;
        std::optional<std::int64_t> integer;
        if (!reader.key(key)) return false;
        if (reader.take('=') && !reader.bare_item(integer)) return false;
        if (key == "q") item.quota = integer;
        if (key == "r") item.remaining = integer;
    }
    return true;
}

}  // namespace

std::optional<std::vector<QuotaItem>> parse_quota_list(std::string_view value)
{
    std::vector<QuotaItem> items;
    Reader reader(value);
    reader.skip_blanks(false);
    while (!reader.is_done()) {
        if (items.size() == most_items) return {};
        const std::string_view from = reader.rest();
        QuotaItem item;
        if (!reader.string(item.name) || !read_parameters(reader, item)) return {};
        item.text = from.substr(0, from.size() - reader.rest().size());
        items.push_back(std::move(item));
        reader.skip_blanks(true);
        if (reader.is_done()) return items;
        if (!reader.take(',')) return {};
        reader.skip_blanks(true);
        if (reader.is_done()) return {};
    }
    return items;
}

}  // namespace orggate::http
