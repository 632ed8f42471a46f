#include "observe/timestamp.hpp"

#include <algorithm>

namespace orggate::observe {

namespace {

void write_digits(char* first, int count, unsigned value)
{
    for (int i = count - 1; i >= 0; --i) {
        first[i] = static_cast<char>('0' + value % 10);
        value /= 10;
    }
}

}  // namespace

void append_timestamp(std::string& out, std::chrono::system_clock::time_point time)
{
    const auto day = std::chrono::floor<std::chrono::days>(time);
    const std::chrono::year_month_day date(day);
    const std::chrono::hh_mm_ss clock(
        std::chrono::floor<std::chrono::milliseconds>(time) - std::chrono::sys_days(day));
    char text[] = "0000-00-00T00:00:00.000Z";
    write_digits(text, 4, static_cast<unsigned>(std::clamp(int(date.year()), 0, 9999)));
    write_digits(text + 5, 2, unsigned(date.month()));
    write_digits(text + 8, 2, unsigned(date.day()));
    write_digits(text + 11, 2, static_cast<unsigned>(clock.hours().count()));
    write_digits(text + 14, 2, static_cast<unsigned>(clock.minutes().count()));
    write_digits(text + 17, 2, static_cast<unsigned>(clock.seconds().count()));
    write_digits(text + 20, 3, static_cast<unsigned>(clock.subseconds().count()));
    out.append(text, sizeof text - 1);
}

}  // namespace orggate::observe
