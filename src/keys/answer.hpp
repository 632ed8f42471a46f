// One answer to a fetch, read as it arrives: status 200 with a plain body, or a reason.
// Bounded; pure.
// Source: RFC 9112 sections 4, 6 and 7.

#pragma once

#include "orggate/http/body.hpp"
#include "orggate/http/head_scan.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace orggate::keys {

class Answer {
public:
    Answer();

    // The next bytes. Returns why the answer is of no use, or empty text.
    std::string take(std::string_view bytes);
    // The connection has ended in good order.
    std::string end();

    bool is_complete() const { return is_complete_; }
    const std::string& body() const { return body_; }

private:
    std::string take_head(std::string_view bytes);
    std::string read_head(std::size_t size);
    std::string take_body();

    http::HeadScan scan_;
    std::optional<http::BodyReader> reader_;  // once the head is over
    std::string raw_;                         // not yet read
    std::string body_;
    std::size_t received_ = 0;
    bool is_complete_ = false;
};

}  // namespace orggate::keys
