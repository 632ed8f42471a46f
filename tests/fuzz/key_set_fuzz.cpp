// A key set's document: any bytes are a set or a reason.

#include "fuzz/promise.hpp"
#include "orggate/token/key_set.hpp"

#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* bytes, std::size_t size)
{
    const std::string_view text(reinterpret_cast<const char*>(bytes), size);
    const auto keys = orggate::token::KeySet::parse_jwks(text);
    promise(keys ? *keys != nullptr : !keys.error().empty());
    return 0;
}
