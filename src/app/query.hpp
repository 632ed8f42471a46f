// A query string, read strictly. Pure. Source: RFC 3986 sections 2.1 and 3.4.

#pragma once

#include <boost/system/result.hpp>

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace orggate::app {

// What is wrong with what somebody asked, in words for them.
struct Fault {
    int status = 400;
    std::string text;
};

// Percent-decoded once; `+` is a plus. Refuses: an escape that is none, control bytes, what
// is not UTF-8.
boost::system::result<std::string, Fault> percent_decode(std::string_view text);

// The opposite, for a value in a query or a path's segment.
std::string percent_encode(std::string_view text);

class Query {
public:
    // At most 32 parameters of 1 KiB each. A name not in `known` is an error, and so is one
    // that comes twice, but for those in `lists`.
    static boost::system::result<Query, Fault> parse(std::string_view text,
        std::initializer_list<std::string_view> known,
        std::initializer_list<std::string_view> lists = {});

    bool has(std::string_view name) const;
    std::string get(std::string_view name) const;  // empty: not there
    std::vector<std::string> all(std::string_view name) const;

private:
    std::vector<std::pair<std::string, std::string>> entries_;
};

}  // namespace orggate::app
