#include "http/trusted_field.hpp"

namespace orggate::http {

bool is_trusted_value(std::string_view value, std::size_t limit)
{
    if (value.empty() || value.size() > limit) return false;
    if (value.front() == ' ' || value.back() == ' ') return false;
    bool good = true;
    for (const char c : value)
        good = good && c >= 0x20 && c <= 0x7e;
    return good;
}

bool append_trusted_field(
    std::string& out, std::string_view name, std::string_view value, std::size_t limit)
{
    if (!is_trusted_value(value, limit)) return false;
    append_field(out, name, value);
    return true;
}

void append_field(std::string& out, std::string_view name, std::string_view value)
{
    out.append(name).append(": ").append(value).append("\r\n");
}

}  // namespace orggate::http
