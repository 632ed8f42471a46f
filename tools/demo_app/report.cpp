#include "report.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include <algorithm>
#include <array>
#include <cstdlib>

namespace demo_app {
namespace {

namespace http = boost::beast::http;
namespace json = boost::json;

std::string text(boost::beast::string_view view)
{
    return {view.data(), view.size()};
}

std::string escape(std::string_view raw)
{
    std::string out;
    for (char c : raw) {
        if (c == '&')
            out += "&amp;";
        else if (c == '<')
            out += "&lt;";
        else if (c == '"')
            out += "&quot;";
        else
            out += c;
    }
    return out;
}

// The names the gate answers for.
bool is_identity(std::string_view name)
{
    constexpr std::array<std::string_view, 10> names = {"X-Org-Id", "X-Org-Slug", "X-Org-Role",
        "X-Org-Permissions", "X-Org-Plan", "X-Org-Features", "X-User-Id", "X-Session-Id",
        "X-Actor-Id", "X-Auth-Kind"};
    return std::ranges::find(names, name) != names.end();
}

std::string greeting(const Head& head)
{
    const std::string user = text(head["X-User-Id"]), org = text(head["X-Org-Id"]);
    if (org.empty()) return "<h1>The app</h1><p>Nobody told this app who you are.</p>";
    return "<h1>The app, for " + escape(org) + "</h1><p>You are <b>" + escape(user) +
           "</b>, working for <b>" + escape(org) + "</b>.</p>";
}

}  // namespace

BodyDigest::BodyDigest() : context_(EVP_MD_CTX_new(), EVP_MD_CTX_free)
{
    EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr);
}

void BodyDigest::add(std::string_view piece)
{
    EVP_DigestUpdate(context_.get(), piece.data(), piece.size());
    length_ += piece.size();
}

std::string BodyDigest::hex()
{
    constexpr std::string_view digits = "0123456789abcdef";
    std::array<unsigned char, 32> digest{};
    EVP_DigestFinal_ex(context_.get(), digest.data(), nullptr);
    std::string out;
    for (unsigned char byte : digest) {
        out += digits[byte >> 4];
        out += digits[byte & 15];
    }
    return out;
}

std::string json_report(const Received& received)
{
    json::array headers;
    for (const auto& field : received.head)
        headers.push_back(json::array{text(field.name_string()), text(field.value())});
    const unsigned version = received.head.version();
    return json::serialize(json::object{{"method", text(received.head.method_string())},
        {"target", text(received.head.target())}, {"version", version == 10 ? "1.0" : "1.1"},
        {"headers", headers},
        {"body",
            json::object{{"length", received.body_length}, {"sha256", received.body_sha256}}}});
}

std::string html_report(const Received& received, const std::vector<Link>& links)
{
    std::string rows;
    for (const auto& field : received.head) {
        const std::string name = text(field.name_string());
        rows += is_identity(name) ? "<tr class=us><th>" : "<tr><th>";
        rows += escape(name) + "<td>" + escape(text(field.value()));
    }
    std::string list;
    for (const Link& link : links)
        list += "<a href=\"" + escape(link.url) + "\">" + escape(link.label) + "</a> ";
    return "<!doctype html><html lang=en><meta charset=utf-8><title>The app</title>"
           "<style>body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:3rem auto;"
           "padding:0 1rem}th{text-align:left;vertical-align:top;padding-right:1rem;"
           "white-space:nowrap}td{word-break:break-all}.us{background:#e8f3e8}a{margin-right:1rem}"
           "</style>" +
           greeting(received.head) + "<p>" + list + "</p><h2>" +
           escape(text(received.head.method_string())) + " " +
           escape(text(received.head.target())) + "</h2><table>" + rows +
           "</table><p>Body: " + std::to_string(received.body_length) + " bytes.</p>";
}

std::multimap<std::string, std::string> parse_query(std::string_view target)
{
    std::multimap<std::string, std::string> query;
    const auto start = target.find('?');
    if (start == target.npos) return query;
    auto decode = [](std::string_view raw) {
        std::string out;
        for (std::size_t i = 0; i < raw.size(); ++i) {
            if (raw[i] == '%' && i + 2 < raw.size()) {
                out += static_cast<char>(
                    std::strtol(std::string(raw.substr(i + 1, 2)).c_str(), nullptr, 16));
                i += 2;
            } else {
                out += raw[i] == '+' ? ' ' : raw[i];
            }
        }
        return out;
    };
    for (std::string_view rest = target.substr(start + 1); !rest.empty();) {
        const std::string_view pair = rest.substr(0, rest.find('&'));
        rest.remove_prefix(std::min(rest.size(), pair.size() + 1));
        const auto equals = std::min(pair.find('='), pair.size());
        query.emplace(
            decode(pair.substr(0, equals)), decode(pair.substr(std::min(pair.size(), equals + 1))));
    }
    return query;
}

}  // namespace demo_app
