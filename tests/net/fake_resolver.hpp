// Replaces the system's resolver in this executable, so that no test asks a network.
// Names: "slow.test" answers when released; "two.test" is 127.0.0.2, then 127.0.0.1;
// anything else is unknown. Numeric addresses go to the real one.

#pragma once

#include <semaphore>

namespace orggate::test {

extern std::binary_semaphore slow_resolver_answers;

}  // namespace orggate::test
