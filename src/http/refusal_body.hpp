// What a refusal says: problem details for programs, a page for people, a line where a limit
// refused a program that takes no JSON, Clerk's own body where its client hook waits for one.
// Pure. Source: RFC 9457; draft-ietf-httpapi-ratelimit-headers-10 (quota-exceeded,
// temporary-reduced-capacity); Clerk's reverification error.

#pragma once

#include "orggate/http/denial_reply.hpp"

#include <string>
#include <string_view>

namespace orggate::http {

// `shown` is what the client is told; it differs from `refusal.denial`, its cause, only
// where redirects went round.
struct Told {
    const Refusal& refusal;
    Denial shown;
};

std::string make_problem(const Told& told);
std::string make_text(const Told& told);
std::string make_page(const Told& told, const Pages& pages);
std::string make_reverification_body(const policy::Rule* rule);

// Whether `Accept` takes JSON of any kind; also if it is absent.
bool accepts_json(const RequestHead& head);

// One sentence or two: the refusal's own detail, else what the rule demands.
std::string make_detail(const Told& told);

}  // namespace orggate::http
