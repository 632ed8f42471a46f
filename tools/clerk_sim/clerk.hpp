// The simulated instance: what each address answers.
//
//   GET  /.well-known/jwks.json      the public key set
//   GET  /v1/jwks                    the same from the API; needs `Authorization: Bearer <secret key>`
//   GET  /sign-in /choose-organization /sign-in/tasks      pages, with `redirect_url`
//   any  /sign-in/do /choose-organization/do /sign-out     set the cookies and send back; `ttl`, `org`
//        and `pending` change the token
//   any  /mint                       a token of any shape: see mint.hpp
//   GET  /keys  /keys/pem?key=       the keys' life; a public key
//   POST /keys/rotate?mode=          see keys.hpp
//   any  /faults                     {"jwks": {"mode": …, "delay_ms": …, "count": …}}; null: well again
//   GET  /counters   POST /counters/reset

#pragma once

#include "instance.hpp"
#include "keys.hpp"
#include "pages.hpp"
#include "server.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>

namespace clerk_sim {

struct Fault {
    // slow (`delay_ms` alone), a status such as 500, garbage, html, empty, truncated, down
    std::string mode;
    std::chrono::milliseconds delay{0};
    std::optional<std::int64_t> left;  // requests it still strikes; empty: all
};

class Clerk {
public:
    Clerk(Instance instance, bool is_secure);
    Answer answer(const Request& request);
    void count_connection() { ++counters_["connections"]; }

private:
    Response route(const Request& request, const std::string& path, const Query& query);
    Response api_keys(const Request& request);
    Response page(const Request& request, const std::string& path, const Query& query);
    Response send_back(const Query& query, const std::string& state);
    Response sign_out(const Query& query);
    Response minted(const Request& request, const Query& query);
    Response rotated(const Query& query);
    Response faults(const Request& request);
    Response counters(const std::string& path);
    void strike(Answer& answer);
    void set_cookies(Response& response, std::string_view token, std::int64_t since) const;

    Instance instance_;
    bool is_secure_;
    KeyRing keys_;
    std::string run_;  // marks our own cookie, so that one of an earlier run is not ours
    std::optional<Fault> fault_;
    std::map<std::string, std::int64_t, std::less<>> counters_;
    std::int64_t in_flight_ = 0;  // key set requests not yet answered
};

}  // namespace clerk_sim
