#include "orggate/http/denial_reply.hpp"

#include "http/date.hpp"
#include "http/denial_facts.hpp"
#include "http/own_head.hpp"
#include "http/quota_merge.hpp"
#include "http/refusal_body.hpp"
#include "http/refusal_redirect.hpp"

namespace orggate::http {

namespace {

// One second is the least that Retry-After can say.
std::int64_t wait_of(const Refusal& refusal, Denial shown)
{
    if (refusal.retry_after > 0) return refusal.retry_after;
    const bool passes_quickly = shown == Denial::limiter_unavailable ||
                                shown == Denial::overloaded || shown == Denial::draining;
    return passes_quickly ? 1 : 0;
}

// Where the bytes were not understood, what follows them will not be either.
bool may_keep(const Refusal& refusal, int status)
{
    return refusal.keep_alive && refusal.head != nullptr && refusal.head->keep_alive &&
           status != 400 && status != 408;
}

void append_challenge(std::string& out, Denial denial)
{
    out.append("WWW-Authenticate: Bearer realm=\"orggate\"");
    // Nobody who sent no token is told that it was a bad one (RFC 6750 section 3.1).
    if (denial != Denial::token_missing && denial != Denial::signed_out)
        out.append(", error=\"invalid_token\", error_description=\"").append(code(denial)) += '"';
    out.append("\r\n");
}

// The fields that follow from what is shown, and the end of the head.
void end_head(Reply& reply, const Refusal& refusal, const Cors& cors)
{
    std::string& out = reply.bytes;
    append_proxy_status(out, facts_of(reply.denial).proxy_error, code(reply.denial));
    if (reply.status == 401) append_challenge(out, reply.denial);
    if (reply.status == 405) append_field(out, "Allow", served_methods);
    if (const auto wait = wait_of(refusal, reply.denial); wait > 0)
        append_field(out, "Retry-After", std::to_string(wait));
    append_request_id(out, refusal.request_id);
    std::string kept;
    const auto quota = quota_fields_for(reply.status, refusal.quota_fields, kept);
    out.append(quota);
    if (refusal.head != nullptr) out.append(cors_fields(cors, refusal.head->find("Origin"), quota));
    append_date(out, refusal.now);
    reply.keep_alive = may_keep(refusal, reply.status);
    append_connection(out, reply.keep_alive, refusal.head ? refusal.head->minor_version : 1);
    out.append("\r\n");
}

Reply make_redirect(const Refusal& refusal, std::string_view page, int count, const Cors& cors)
{
    Reply reply{307, own_head(307), refusal.denial};
    append_field(reply.bytes, "Location", make_location(page, refusal.return_to));
    reply.bytes.append(make_loop_cookie(count, refusal));
    append_field(reply.bytes, "Content-Length", "0");
    end_head(reply, refusal, cors);
    return reply;
}

struct Body {
    std::string_view type;
    std::string text;
};

constexpr std::string_view html = "text/html; charset=utf-8";

Body make_body(const Refusal& refusal, Denial shown, const Pages& pages)
{
    const Told told{refusal, shown};
    if (shown == Denial::reverification_needed)
        return {"application/json", make_reverification_body(refusal.rule)};
    if (refusal.head != nullptr && is_document(*refusal.head))
        return {html, make_page(told, pages)};
    const bool is_limit = shown == Denial::quota_exhausted || shown == Denial::limiter_unavailable;
    if (is_limit && refusal.head != nullptr && !accepts_json(*refusal.head))
        return {"text/plain; charset=utf-8", make_text(told)};
    return {"application/problem+json", make_problem(told)};
}

Reply make_refusal(const Refusal& refusal, Denial shown, const Pages& pages, const Cors& cors)
{
    const int status = status_of(shown);
    const Body body = make_body(refusal, shown, pages);
    Reply reply{status, own_head(status), shown};
    append_field(reply.bytes, "Content-Type", body.type);
    append_field(reply.bytes, "Content-Length", std::to_string(body.text.size()));
    append_field(reply.bytes, "X-Content-Type-Options", "nosniff");
    if (body.type == html)
        append_field(reply.bytes, "Content-Security-Policy",
            "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'");
    // The next try starts counting anew: somebody may have mended it.
    if (shown == Denial::redirect_loop) reply.bytes.append(make_loop_cookie(0, refusal));
    end_head(reply, refusal, cors);
    if (refusal.head == nullptr || refusal.head->method != "HEAD") reply.bytes.append(body.text);
    return reply;
}

}  // namespace

int status_of(Denial denial)
{
    return facts_of(denial).status;
}

bool is_document(const RequestHead& head)
{
    if (head.method != "GET" || head.is_websocket) return false;
    const std::string_view destination = head.find("Sec-Fetch-Dest");
    if (!destination.empty()) return destination == "document" || destination == "iframe";
    return head.find("Accept").starts_with("text/html");
}

Reply make_denial_reply(const Refusal& refusal, const Pages& pages, const Cors& cors)
{
    const std::string_view page = page_for(refusal.denial, pages);
    if (page.empty() || !may_redirect(refusal))
        return make_refusal(refusal, refusal.denial, pages, cors);
    const int count = count_redirects(refusal.head->cookies);
    if (count >= max_redirects) return make_refusal(refusal, Denial::redirect_loop, pages, cors);
    return make_redirect(refusal, page, count + 1, cors);
}

}  // namespace orggate::http
