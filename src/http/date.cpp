#include "http/date.hpp"

#include <algorithm>
#include <string_view>

namespace orggate::http {

namespace {

constexpr std::string_view days = "SunMonTueWedThuFriSat";
constexpr std::string_view months = "JanFebMarAprMayJunJulAugSepOctNovDec";

void write_word(char* first, std::string_view words, unsigned index)
{
    words.copy(first, 3, 3 * index);
}

void write_digits(char* first, int count, unsigned value)
{
    for (int i = count - 1; i >= 0; --i) {
        first[i] = static_cast<char>('0' + value % 10);
        value /= 10;
    }
}

}  // namespace

void append_date(std::string& out, Instant now)
{
    const auto day = std::chrono::floor<std::chrono::days>(now.wall);
    const std::chrono::year_month_day date(day);
    const std::chrono::hh_mm_ss clock(std::chrono::floor<Seconds>(now.wall) - day);
    char line[] = "Date: Sun, 00 Jan 0000 00:00:00 GMT\r\n";
    write_word(line + 6, days, std::chrono::weekday(day).c_encoding());
    write_digits(line + 11, 2, unsigned(date.day()));
    write_word(line + 14, months, unsigned(date.month()) - 1);
    write_digits(line + 18, 4, static_cast<unsigned>(std::clamp(int(date.year()), 0, 9999)));
    write_digits(line + 23, 2, static_cast<unsigned>(clock.hours().count()));
    write_digits(line + 26, 2, static_cast<unsigned>(clock.minutes().count()));
    write_digits(line + 29, 2, static_cast<unsigned>(clock.seconds().count()));
    out.append(line, sizeof line - 1);
}

}  // namespace orggate::http
