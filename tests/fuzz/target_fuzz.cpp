// A request target: what is accepted is canonical, so a second pass changes nothing.

#include "fuzz/promise.hpp"
#include "orggate/http/target.hpp"

#include <string>

using namespace orggate;

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* bytes, std::size_t size)
{
    const std::string_view text(reinterpret_cast<const char*>(bytes), size);
    const auto target = http::parse_target("GET", text, "a");
    if (!target) return 0;
    promise(target->path.starts_with('/'));
    promise(target->path.find("//") == std::string::npos);
    const std::string url = target->path + (target->has_query ? "?" + target->query : "");
    const auto again = http::parse_target("GET", url, "a");
    promise(again && again->path == target->path && again->query == target->query);
    return 0;
}
