// What the app received, as a page for people and as JSON for programs.

#pragma once

#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/message.hpp>
#include <openssl/evp.h>

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace demo_app {

using Head = boost::beast::http::request_header<>;

struct Link {
    std::string label, url;
};

// Length and SHA-256 of a body that streams by.
class BodyDigest {
public:
    BodyDigest();
    void add(std::string_view piece);
    std::uint64_t length() const { return length_; }
    std::string hex();  // ends it: once only

private:
    std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context_;
    std::uint64_t length_ = 0;
};

struct Received {
    const Head& head;
    std::uint64_t body_length;
    std::string body_sha256;
};

// {"method","target","version","headers":[[name,value],…],"body":{"length","sha256"}}
std::string json_report(const Received& received);
std::string html_report(const Received& received, const std::vector<Link>& links);

// The query of a target, in order, decoded (form rules: `+` is a space).
std::multimap<std::string, std::string> parse_query(std::string_view target);

}  // namespace demo_app
