// Preloaded into a process, its wall clock is off by SHIFTED_CLOCK seconds: a machine in a
// fleet whose clocks disagree. The steady clock is left alone.

#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#include <cstdlib>
#include <ctime>

namespace {

long shift()
{
    static const long seconds = [] {
        const char* text = std::getenv("SHIFTED_CLOCK");
        return text ? std::strtol(text, nullptr, 10) : 0;
    }();
    return seconds;
}

}  // namespace

extern "C" int clock_gettime(clockid_t which, timespec* time) noexcept
{
    const auto result = ::syscall(SYS_clock_gettime, which, time);
    if (which == CLOCK_REALTIME || which == CLOCK_REALTIME_COARSE) time->tv_sec += shift();
    return static_cast<int>(result);
}

extern "C" int gettimeofday(timeval* __restrict time, void* __restrict) noexcept
{
    timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    time->tv_sec = now.tv_sec;
    time->tv_usec = now.tv_nsec / 1000;
    return 0;
}

extern "C" time_t time(time_t* out) noexcept
{
    timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (out) *out = now.tv_sec;
    return now.tv_sec;
}
