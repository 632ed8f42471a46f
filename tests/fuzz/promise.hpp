// What must hold for any input; ends the fuzzer where it does not.

#pragma once

#include <cstdlib>

inline void promise(bool holds)
{
    if (!holds) std::abort();
}
