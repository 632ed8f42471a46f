// An upstream's head: what is accepted is written to the client as one head that our
// own scan accepts in turn.

#include "fuzz/promise.hpp"
#include "orggate/http/head_scan.hpp"
#include "orggate/http/response_head.hpp"

#include <string>

using namespace orggate;

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* bytes, std::size_t size)
{
    const std::string text(reinterpret_cast<const char*>(bytes), size);
    http::HeadScan scan(http::HeadKind::response, {});
    const auto length = scan.feed(text);
    if (!length || !*length) return 0;
    const std::string raw = text.substr(0, **length);
    http::ResponseHead head;
    if (!http::read_response_head(raw, size % 2 ? "GET" : "HEAD", head)) return 0;

    std::string out;
    http::ClientHead client;
    client.identity_was_sent = true;
    client.request_id = "r";
    http::write_client_head(out, head, size % 2 ? "GET" : "HEAD", client);
    http::HeadLimits roomy;
    roomy.head = roomy.field = roomy.credential_field = 1 << 20;
    roomy.fields = 1000;
    http::HeadScan second(http::HeadKind::response, roomy);
    const auto written = second.feed(out);
    promise(written && *written && **written == out.size());
    return 0;
}
