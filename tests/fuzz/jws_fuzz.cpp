// A compact token: nobody but Clerk can sign one, so no input may ever verify.

#include "fuzz/promise.hpp"
#include "orggate/token/key_set.hpp"
#include "orggate/token/verify.hpp"

#include <string_view>

using namespace orggate;

namespace {

// A key whose private half was thrown away.
constexpr std::string_view jwks =
    R"({"keys":[{"kty":"RSA","kid":"k","alg":"RS256","use":"sig","e":"AQAB","n":")"
    "wt3EQgk84clPnZqQfHhNzbHpg7rgCndlgLDwf1yeu42UMhEqeUxwuhMS0wvPMcT6jsDVHW64g-DA90gV"
    "LE6omyv4u9xZV485TTN0pPUqGATbpR4tnxI1U1W5fqj8p7l9Hu6tkH9Y6YZ2yCr5GG2IX-iM2BrHFNEh"
    "Kpxz7ytUKDL_oKk_osas2K3agrib4OzMz8LOx8BFWXH817Sr99RDwTsfVfM7N_u1Cp1zd5m4DlWoaJXN"
    "uLI_dNNI01esNSm0tvsVfhBEGSJLVW-Dpq9P5wr7P59LxIX4IRZzE-q-dKJBMn1e3PgoVHLIqEMubIcf"
    "uTJuNmgauSIhQzximTaXrQ"
    R"("}]})";

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* bytes, std::size_t size)
{
    static const auto keys = *token::KeySet::parse_jwks(jwks);
    const std::string_view text(reinterpret_cast<const char*>(bytes), size);
    token::peek(text);
    token::unverified_key_id(text);
    promise(!token::verify(text, *keys, token::Expectations{}, Instant{}));
    return 0;
}
