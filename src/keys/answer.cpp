#include "keys/answer.hpp"

#include "orggate/http/response_head.hpp"
#include "orggate/keys/feed.hpp"

#include <cstdint>

namespace orggate::keys {

namespace {

std::string reason(const char* what, Denial why)
{
    return std::string(what) + " (" + std::string(name(why)) + ")";
}

std::string too_much()
{
    return "the answer is over " + std::to_string(max_answer / 1024) + " KiB";
}

}  // namespace

Answer::Answer() : scan_(http::HeadKind::response, http::HeadLimits{}) {}

std::string Answer::take(std::string_view bytes)
{
    received_ += bytes.size();
    if (received_ > max_answer) return too_much();
    raw_.append(bytes);
    if (!reader_) {
        if (std::string why = take_head(bytes); !why.empty()) return why;
        if (!reader_) return {};
    }
    return take_body();
}

std::string Answer::take_head(std::string_view bytes)
{
    // Interim answers may come before the one that counts.
    while (!reader_) {
        const auto size = scan_.feed(bytes);
        if (!size) return reason("the answer is not HTTP", size.error());
        if (!*size) return {};
        if (std::string why = read_head(**size); !why.empty()) return why;
        raw_.erase(0, **size);
        bytes = raw_;
        scan_.reset();
    }
    return {};
}

std::string Answer::read_head(std::size_t size)
{
    http::ResponseHead head;
    const auto read = http::read_response_head(std::string_view(raw_).substr(0, size), "GET", head);
    if (!read) return reason("the answer is not HTTP", read.error());
    if (head.status >= 100 && head.status < 200 && head.status != 101) return {};
    if (head.status != 200) return "the answer has status " + std::to_string(head.status);
    const std::string_view coding = head.find("content-encoding");
    if (!coding.empty() && coding != "identity") return "the answer is compressed";
    if (head.content_length > max_answer) return too_much();
    reader_.emplace(head.framing, head.content_length, http::BodyReader::Side::response);
    return {};
}

std::string Answer::take_body()
{
    std::string_view rest = raw_;
    while (!reader_->is_done()) {
        const auto step = reader_->read(rest);
        if (!step) return reason("the answer is not HTTP", step.error());
        body_.append(step->payload);
        rest.remove_prefix(step->consumed);
        if (step->consumed == 0) break;
    }
    raw_.assign(rest);
    is_complete_ = reader_->is_done();
    return {};
}

std::string Answer::end()
{
    is_complete_ = reader_ && (reader_->is_done() || reader_->ends_with_connection());
    return is_complete_ ? "" : "the answer is cut off";
}

}  // namespace orggate::keys
