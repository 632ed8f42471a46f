// What a refusal says: problem details for programs, a page for people, Clerk's own body
// where its client hook waits for one.
// Pure. Source: RFC 9457; draft-ietf-httpapi-ratelimit-headers-10 (quota-exceeded);
// Clerk's reverification error.

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
std::string make_page(const Told& told, const Pages& pages);
std::string make_reverification_body(const policy::Rule* rule);

// One sentence or two: the refusal's own detail, else what the rule demands.
std::string make_detail(const Told& told);

}  // namespace orggate::http
