#include "orggate/redis/store.hpp"

namespace orggate::redis {

std::string_view name(Failure failure)
{
    switch (failure) {
        case Failure::none: return "none";
        case Failure::not_connected: return "not_connected";
        case Failure::timed_out: return "timed_out";
        case Failure::lost: return "lost";
        case Failure::down: return "down";
        case Failure::forbidden: return "forbidden";
        case Failure::defect: return "defect";
    }
    return "defect";
}

}  // namespace orggate::redis
