// Makes any token: a good session token by default, and whatever the fields change.
//
//   v          2 (default), 1, null: left out; any JSON value, or the word `string`: "2"
//   shape      1 or 2: which organisation claims; default as `v`
//   org slug role per fpm fea pla permissions    the organisation and what it has; `org` alone is
//              enough. `permissions` (comma list) only in shape 1
//   sub sid sts act fva azp iss aud              claims of that name
//   ttl        seconds of life, default 60
//   exp iat nbf                                  seconds from now
//   cat        session (default) template machine neutral none, or the value itself
//   typ alg kid                                  header fields; `kid` may be the name of a key
//   key        current (default) next old foreign: who signs
//   header claims                                objects merged in last, as they are
//   raw_header raw_payload                       the JSON text itself, whatever it is
//
// null leaves a field out. Source: Clerk session token claims, versions 1 and 2.

#pragma once

#include "instance.hpp"
#include "keys.hpp"

#include <boost/json/object.hpp>

#include <cstdint>
#include <string>

namespace clerk_sim {

struct Minted {
    std::string token, header, payload;  // the last two as JSON text
};

// `now`: Unix seconds. Throws std::invalid_argument for a field it does not know.
Minted mint(
    const Instance& instance, KeyRing& keys, const boost::json::object& fields, std::int64_t now);

// A field of `mint` as it comes in a query string: `absent` is null, fields that are not
// text are JSON.
boost::json::value field_from_text(std::string_view name, const std::string& text);

}  // namespace clerk_sim
