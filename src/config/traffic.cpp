// Sizes and deadlines, and what browsers are told.

#include "config/schema.hpp"
#include "config/sections.hpp"
#include "config/text.hpp"

#include <algorithm>

namespace orggate::config {

namespace {

using namespace std::chrono_literals;

constexpr std::uint64_t kib = 1024, mib = 1024 * kib;

void read_http(Reader& reader, const Value& at, Draft& draft)
{
    const Map http(reader, at, "http");
    auto& limits = draft.config.head_limits;
    set(limits.head, reader.size(http["head"], {kib, mib}));
    set(limits.target, reader.size(http["target"], {256, mib}));
    if (limits.target > limits.head)
        reader.error(
            http[http["target"] ? "target" : "head"], "the target is longer than the whole head");
    if (const auto limit = read_body_limit(reader, http["body"])) draft.default_max_body = *limit;
    read_timeouts(reader, http["timeouts"], "http.timeouts", draft.config.timeouts);
}

void read_cors(Reader& reader, const Value& at, Cors& cors)
{
    const Map map(reader, at, "cors");
    for (const auto& text : reader.texts(map["origins"], "a list of origins")) {
        if (text.text == "*")
            reader.error(
                text.where, "answers to credentials cannot be open to every origin; list them");
        else if (auto origin = read_origin(reader, text))
            cors.allowed.origins.push_back(*origin);
    }
    using enum Cors::Preflight;
    set(cors.preflight, reader.choice<Cors::Preflight>(map["preflight"],
                            {{"forward", forward}, {"answer", answer}, {"refuse", refuse}}));
}

void read_websocket(Reader& reader, const Value& at, WebSocket& websocket)
{
    const Map map(reader, at, "websocket");
    set(websocket.max_age, reader.duration(map["max_age"], {1s, 30 * 24h}));
    set(websocket.idle, reader.duration(map["idle"], {1s, 24h}));
}

void read_quota_fields(Reader& reader, const Value& at, http::QuotaFieldForms& forms)
{
    constexpr std::string_view what = "ietf, legacy, ietf06 or none";
    if (!at) return;
    forms = {.ietf = false, .legacy = false, .ietf06 = false};
    const auto texts = reader.texts(at, "a list of ietf, legacy, ietf06, or none");
    for (const auto& text : texts) {
        if (text.text == "ietf")
            forms.ietf = true;
        else if (text.text == "legacy")
            forms.legacy = true;
        else if (text.text == "ietf06")
            forms.ietf06 = true;
        else if (text.text != "none")
            reader.expected(text.where, what);
        else if (texts.size() > 1)
            reader.error(text.where, "none cannot stand beside others");
    }
    reader.refuse_empty(at, what);
}

void read_drain(Reader& reader, const Value& at, Config& config)
{
    const Map map(reader, at, "drain");
    set(config.drain_delay, reader.duration(map["delay"], {0s, 1h}));
    set(config.drain_timeout, reader.duration(map["timeout"], {0s, 24h}));
    set(config.unready_at_once,
        reader.choice<bool>(map["unready"], {{"after_delay", false}, {"at_once", true}}));
}

}  // namespace

std::optional<std::optional<std::uint64_t>> read_body_limit(Reader& reader, const Value& at)
{
    constexpr std::string_view what = "a size such as 10MiB, or unlimited";
    const auto text = reader.text(at, what);
    if (!text) return std::nullopt;
    if (*text == "unlimited") return std::optional<std::uint64_t>();
    const auto size = parse_size(*text);
    if (size) return size;
    reader.expected(at, what);
    return std::nullopt;
}

void read_timeouts(Reader& reader, const Value& at, std::string_view section, Timeouts& out)
{
    const std::pair<std::string_view, Milliseconds Timeouts::*> all[] = {
        {"client_head", &Timeouts::client_head}, {"client_idle", &Timeouts::client_idle},
        {"body_gap", &Timeouts::body_gap}, {"upstream_connect", &Timeouts::upstream_connect},
        {"upstream_head", &Timeouts::upstream_head}, {"stream_idle", &Timeouts::stream_idle},
        {"upstream_idle", &Timeouts::upstream_idle}};
    const Map map(reader, at, section);
    const auto& known = keys_of(section);
    for (const auto& [key, member] : all)
        if (std::find(known.begin(), known.end(), key) != known.end())
            set(out.*member, reader.duration(map[key], {1ms, 24h}));
}

void read_traffic(Reader& reader, const Map& root, Draft& draft)
{
    auto& config = draft.config;
    read_http(reader, root["http"], draft);
    read_cors(reader, root["cors"], config.cors);
    read_websocket(reader, root["websocket"], config.websocket);
    read_quota_fields(reader, root["rate_limit_headers"], config.rate_limit_headers);
    read_drain(reader, root["drain"], config);
}

}  // namespace orggate::config
