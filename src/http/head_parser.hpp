// Beast's parser as a second reader of a head that HeadScan has passed. It keeps views
// into the bytes and stops behind the blank line: bodies, chunks and trailers are plain
// errors here, since Beast's own handling of them throws or grows without bound.
// Pure.

#pragma once

#include "orggate/denial.hpp"
#include "orggate/http/request_head.hpp"

#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>

#include <cstdint>
#include <limits>
#include <string_view>
#include <vector>

namespace orggate::http {

using KnownField = boost::beast::http::field;

// `Notes` has `void note(KnownField, const Field&)`, called for each field in order.
template <bool is_request, class Notes>
class HeadParser final : public boost::beast::http::basic_parser<is_request> {
    using string_view = boost::beast::string_view;
    using error_code = boost::beast::error_code;

public:
    HeadParser(std::vector<Field>& fields, Notes& notes) : fields_(fields), notes_(notes)
    {
        // HeadScan has set the limits; the body is none of this parser's business.
        this->header_limit(std::numeric_limits<std::uint32_t>::max());
        this->body_limit(boost::none);
    }

    std::string_view method, target, reason;
    int version = 0;  // 10 or 11
    int status = 0;

    // Parses `bytes`, which must be all that is left of the head.
    error_code parse(std::string_view bytes)
    {
        error_code ec;
        const boost::asio::const_buffer buffer(bytes.data(), bytes.size());
        const std::size_t consumed = this->put(buffer, ec);
        if (!ec && (consumed != bytes.size() || !this->is_header_done()))
            ec = boost::beast::http::error::unexpected_body;
        return ec;
    }

private:
    void on_request_impl(boost::beast::http::verb, string_view method_text, string_view target_text,
        int http_version, error_code&) override
    {
        method = method_text;
        target = target_text;
        version = http_version;
    }
    void on_response_impl(int code, string_view reason_text, int http_version, error_code&) override
    {
        status = code;
        reason = reason_text;
        version = http_version;
    }
    void on_field_impl(KnownField known, string_view name, string_view value, error_code&) override
    {
        notes_.note(known, fields_.emplace_back(Field{name, value}));
    }
    void on_header_impl(error_code&) override {}
    void on_finish_impl(error_code&) override {}
    void on_body_init_impl(const boost::optional<std::uint64_t>&, error_code& ec) override
    {
        refuse(ec);
    }
    std::size_t on_body_impl(string_view, error_code& ec) override { return refuse(ec); }
    void on_chunk_header_impl(std::uint64_t, string_view, error_code& ec) override { refuse(ec); }
    std::size_t on_chunk_body_impl(std::uint64_t, string_view, error_code& ec) override
    {
        return refuse(ec);
    }

    static std::size_t refuse(error_code& ec)
    {
        ec = boost::beast::http::error::unexpected_body;
        return 0;
    }

    std::vector<Field>& fields_;
    Notes& notes_;
};

}  // namespace orggate::http
