// A request head: the verdict does not depend on a split, and what is accepted parses
// into views of its own bytes.

#include "fuzz/promise.hpp"
#include "orggate/http/head_scan.hpp"
#include "orggate/http/request_head.hpp"

#include <string>

using namespace orggate;

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* bytes, std::size_t size)
{
    const std::string text(reinterpret_cast<const char*>(bytes), size);
    http::HeadScan whole(http::HeadKind::request, {}), split(http::HeadKind::request, {});
    const auto length = whole.feed(text);
    Result<std::optional<std::size_t>> again = std::optional<std::size_t>();
    for (std::size_t i = 0; i < size && again && !*again; ++i)
        again = split.feed(std::string_view(text).substr(i, 1));
    promise(length.has_value() == again.has_value());
    promise(length ? *length == *again : length.error() == again.error());
    if (!length || !*length) return 0;

    const std::string raw = text.substr(0, **length);
    http::RequestHead head;
    if (!http::read_request_head(raw, head)) return 0;
    for (const auto& field : head.fields)
        promise(field.value.data() >= raw.data() &&
                field.value.data() + field.value.size() <= raw.data() + raw.size());
    promise(!head.host.empty() && (head.body == http::BodyKind::sized || head.content_length == 0));
    return 0;
}
