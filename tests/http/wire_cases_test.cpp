// The wire cases that can be judged from the bytes alone, through scan, head, target
// and body as a connection would read them.

#include "http/verdict.hpp"
#include "orggate/http/body.hpp"
#include "orggate/http/head_scan.hpp"
#include "orggate/http/request_head.hpp"
#include "orggate/http/target.hpp"

#include <boost/json.hpp>
#include <doctest/doctest.h>

#include <algorithm>
#include <fstream>
#include <optional>
#include <set>
#include <sstream>
#include <string>
#include <vector>

namespace orggate::http {

namespace {

namespace json = boost::json;

// In a JSON string each character is one byte.
std::string latin1(const json::string& text)
{
    std::string bytes;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const auto byte = static_cast<unsigned char>(text[i]);
        if (byte < 0x80) {
            bytes += text[i];
        } else {
            const auto next = static_cast<unsigned char>(text[++i]);
            bytes += static_cast<char>((byte & 0x03) << 6 | (next & 0x3f));
        }
    }
    return bytes;
}

std::string bytes_of(const json::array& parts)
{
    std::string bytes;
    for (const auto& part : parts) {
        if (part.is_string()) {
            bytes += latin1(part.as_string());
        } else {
            const auto& object = part.as_object();
            REQUIRE(object.contains("repeat"));
            bytes += repeat(latin1(object.at("repeat").as_string()),
                object.at("times").to_number<std::size_t>());
        }
    }
    return bytes;
}

struct Story {
    std::vector<std::string> targets;  // of the requests read to their end, in order
    Denial denial = accepted;
    bool is_unfinished = false;

    bool operator==(const Story&) const = default;
};

// Reads one connection's bytes as they come.
class Reader {
public:
    // False once the connection is over.
    bool feed(std::string_view bytes)
    {
        buffer_ += bytes;
        while (is_open_ && !buffer_.empty())
            if (!(body_ ? read_body() : read_head())) break;
        return is_open_;
    }

    Story end()
    {
        story_.is_unfinished = is_open_ && (body_ || scanned_ > 0);
        return story_;
    }

private:
    bool read_head()
    {
        const auto length = scan_.feed(std::string_view(buffer_).substr(scanned_));
        if (!length) return refuse(length.error());
        scanned_ = buffer_.size();
        if (!*length) return false;
        raw_ = buffer_.substr(0, **length);
        buffer_.erase(0, **length);
        scan_.reset();
        scanned_ = 0;
        if (const auto read = read_request_head(raw_, head_); !read) return refuse(read.error());
        const auto target = parse_target(head_.method, head_.target, head_.host);
        if (!target) return refuse(target.error());
        path_ = target->path;
        const Framing framing = head_.body == BodyKind::none    ? Framing::none
                                : head_.body == BodyKind::sized ? Framing::sized
                                                                : Framing::chunked;
        body_.emplace(framing, head_.content_length, BodyReader::Side::request);
        finish_if_done();
        return true;
    }

    bool read_body()
    {
        const auto step = body_->read(buffer_);
        if (!step) return refuse(step.error());
        buffer_.erase(0, step->consumed);
        finish_if_done();
        return true;
    }

    void finish_if_done()
    {
        if (!body_->is_done()) return;
        body_.reset();
        story_.targets.push_back(path_);
        is_open_ = head_.keep_alive;
    }

    bool refuse(Denial denial)
    {
        story_.denial = denial;
        return is_open_ = false;
    }

    Story story_;
    std::string buffer_, raw_, path_;
    std::size_t scanned_ = 0;
    HeadScan scan_{HeadKind::request, HeadLimits{}};
    RequestHead head_;
    std::optional<BodyReader> body_;
    bool is_open_ = true;
};

Story read_pieces(const std::vector<std::string_view>& pieces)
{
    Reader reader;
    for (const auto piece : pieces)
        if (!reader.feed(piece)) break;
    return reader.end();
}

Story read_bytes(std::string_view bytes)
{
    Reader reader;
    for (std::size_t i = 0; i < bytes.size() && reader.feed(bytes.substr(i, 1)); ++i) {
    }
    return reader.end();
}

// Long input: the first and last 256 offsets and every 997th.
bool is_chosen(std::size_t offset, std::size_t size)
{
    return size <= 2048 || offset <= 256 || size - offset <= 256 || offset % 997 == 0;
}

int status_of_refusal(Denial denial)
{
    switch (denial) {
        case Denial::method_refused: return 405;
        case Denial::target_too_long: return 414;
        case Denial::host_unknown: return 421;
        case Denial::head_too_large:
        case Denial::too_many_fields: return 431;
        case Denial::coding_unsupported: return 501;
        case Denial::version_unsupported: return 505;
        case Denial::expectation_failed: return 417;
        default: return denial <= Denial::empty_segment ? 400 : 0;
    }
}

bool is_wanted(const json::value& status, const Story& story)
{
    const bool passed = !story.targets.empty();
    if (status.is_string()) return passed;
    return !passed && status.to_number<int>() == status_of_refusal(story.denial);
}

json::value load_cases()
{
    std::ifstream file(ORGGATE_TEST_DATA "/http1-cases.json");
    std::ostringstream text;
    text << file.rdbuf();
    return json::parse(text.str());
}

// Needs the configured body limit, which is not the bytes' own.
const std::set<std::string_view> judged_elsewhere{"F13d"};

}  // namespace

TEST_CASE("every wire case has a wanted verdict, however its bytes are split")
{
    const json::value file = load_cases();
    const auto& cases = file.at("cases").as_array();
    CHECK(cases.size() == 113);
    for (const auto& row : cases) {
        const std::string_view id = row.at("id").as_string();
        if (judged_elsewhere.contains(id)) continue;
        CAPTURE(id);
        const std::string bytes = bytes_of(row.at("parts").as_array());
        const Story whole = read_pieces({bytes});
        CAPTURE(word(whole.denial));
        CHECK_FALSE(whole.is_unfinished);

        const auto& wanted = row.at("expect").at("status").as_array();
        CHECK(std::any_of(wanted.begin(), wanted.end(),
            [&](const json::value& status) { return is_wanted(status, whole); }));
        // Behind a refusal nothing is read as a request.
        if (whole.targets.empty()) CHECK(whole.denial != accepted);

        CHECK(read_bytes(bytes) == whole);
        const std::string_view text = bytes;
        for (std::size_t offset = 0; offset <= text.size(); ++offset)
            if (is_chosen(offset, text.size()))
                CHECK(read_pieces({text.substr(0, offset), text.substr(offset)}) == whole);
    }
}

TEST_CASE("what follows an accepted request is a request of its own or nothing")
{
    struct {
        const char* id;
        std::vector<std::string> targets;
        Denial denial = accepted;
    } const rows[] = {
        {"F19", {"/1"}},
        {"F26", {"/1"}, Denial::not_http},
        {"F27b", {"/1", "/evil"}},
        {"F30a", {"/1"}},
        {"F30c", {"/1", "/evil"}},
        {"F32", {"/1"}},
        {"P09", {"/pub/%252e%252e/admin"}},
        {"P14", {"/private"}},
        {"H04", {"/1"}},
    };
    const json::value file = load_cases();
    const auto& cases = file.at("cases").as_array();
    for (const auto& row : rows) {
        CAPTURE(row.id);
        const auto found = std::find_if(cases.begin(), cases.end(),
            [&](const json::value& one) { return one.at("id").as_string() == row.id; });
        REQUIRE(found != cases.end());
        const Story story = read_pieces({bytes_of(found->at("parts").as_array())});
        CHECK(story.targets == row.targets);
        CHECK(word(story.denial) == word(row.denial));
    }
}

}  // namespace orggate::http
