#include "app/clock.hpp"

#include <random>

namespace orggate::app {
namespace {

std::mt19937_64 seeded()
{
    std::random_device device;
    std::seed_seq seed{device(), device(), device(), device(), device(), device()};
    return std::mt19937_64(seed);
}

}  // namespace

Instant now()
{
    return {std::chrono::system_clock::now(), std::chrono::steady_clock::now()};
}

std::uint64_t random_number()
{
    thread_local std::mt19937_64 engine = seeded();
    return engine();
}

double random_fraction()
{
    return static_cast<double>(random_number() >> 11) * 0x1.0p-53;
}

}  // namespace orggate::app
