#include "clerk.hpp"

#include "mint.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value_to.hpp>

#include <algorithm>
#include <array>
#include <ctime>
#include <stdexcept>
#include <utility>

namespace clerk_sim {
namespace {

namespace http = boost::beast::http;
namespace json = boost::json;

// Remembers the browser, as Clerk's own `__client` cookie does: `<run>.<state>`, where the
// state is `none`, `pending` or the active organisation.
constexpr std::string_view client_cookie = "clerk_sim_client";

Response text_reply(unsigned status, std::string_view type, std::string body)
{
    Response response;
    response.result(status);
    response.set(http::field::content_type, type);
    response.set(http::field::cache_control, "no-store");
    response.body() = std::move(body);
    return response;
}

Response json_reply(unsigned status, const json::value& value)
{
    return text_reply(status, "application/json", json::serialize(value));
}

Response html_reply(std::string body)
{
    return text_reply(200, "text/html; charset=utf-8", std::move(body));
}

Response error_reply(unsigned status, std::string_view code, std::string_view message)
{
    const json::object error{{"message", message}, {"long_message", message}, {"code", code}};
    return json_reply(status, json::object{{"errors", json::array{error}}});
}

Response redirect(std::string_view location)
{
    Response response = text_reply(303, "text/plain", "");
    response.set(http::field::location, location);
    return response;
}

std::string find(const Query& query, std::string_view name, std::string_view otherwise = "")
{
    const auto found = query.find(name);
    return found == query.end() ? std::string(otherwise) : found->second;
}

std::string_view view(boost::beast::string_view text)
{
    return {text.data(), text.size()};
}

bool is_key_set(std::string_view path)
{
    return path == "/v1/jwks" || path == "/.well-known/jwks.json";
}

// Counted by name only where the name is ours: a client must not grow the table.
std::string counted_as(const std::string& path, unsigned status)
{
    return status == 404 ? "other" : path;
}

Fault parse_fault(const json::object& wanted)
{
    Fault fault;
    fault.mode = json::value_to<std::string>(wanted.at("mode"));
    if (const json::value* delay = wanted.if_contains("delay_ms"))
        fault.delay = std::chrono::milliseconds(delay->to_number<std::int64_t>());
    if (const json::value* count = wanted.if_contains("count"))
        fault.left = count->to_number<std::int64_t>();
    constexpr std::array<std::string_view, 6> modes = {
        "slow", "garbage", "html", "empty", "truncated", "down"};
    const bool is_status = fault.mode.size() == 3 &&
                           fault.mode.find_first_not_of("0123456789") == std::string::npos &&
                           fault.mode >= "200";
    if (!is_status && std::ranges::find(modes, fault.mode) == modes.end())
        throw std::invalid_argument("no fault is called " + fault.mode);
    return fault;
}

json::object organization_fields(std::string_view id)
{
    json::object fields{{"org", id}};
    const Organization* known = find_organization(id);
    if (!known) return fields;
    fields["pla"] = known->plan;
    fields["fea"] = known->features;
    fields["per"] = known->permissions;
    fields["fpm"] = known->bitmaps;
    return fields;
}

}  // namespace

Clerk::Clerk(Instance instance, bool is_secure)
    : instance_(std::move(instance)),
      is_secure_(is_secure),
      run_(keys_.find("current").id.substr(4, 8))
{
}

Answer Clerk::answer(const Request& request)
{
    const std::string path = path_of(view(request.target()));
    Answer answer;
    try {
        answer.message = route(request, path, parse_query(view(request.target())));
    } catch (const std::exception& problem) {  // a wrong field, a missing key, bad JSON
        answer.message = error_reply(400, "bad_request", problem.what());
    }
    ++counters_[counted_as(path, answer.message.result_int())];
    if (!is_key_set(path)) return answer;

    auto& most = counters_["key_set_requests_at_once"];
    most = std::max(most, ++in_flight_);
    answer.until_sent = std::shared_ptr<void>(nullptr, [this](void*) { --in_flight_; });
    strike(answer);
    return answer;
}

Response Clerk::route(const Request& request, const std::string& path, const Query& query)
{
    if (path == "/.well-known/jwks.json") return json_reply(200, keys_.key_set());
    if (path == "/v1/jwks") return api_keys(request);
    if (path == "/mint") return minted(request, query);
    if (path == "/keys") return json_reply(200, keys_.overview());
    if (path == "/keys/pem")
        return text_reply(
            200, "application/x-pem-file", public_pem(keys_.find(find(query, "key", "current"))));
    if (path == "/keys/rotate") return rotated(query);
    if (path == "/faults") return faults(request);
    if (path == "/counters" || path == "/counters/reset") return counters(path);
    return page(request, path, query);
}

Response Clerk::api_keys(const Request& request)
{
    const auto given = view(request[http::field::authorization]);
    if (given != "Bearer " + instance_.secret_key)
        return error_reply(401, "clerk_key_invalid", "The provided Clerk Secret Key is invalid.");
    return json_reply(200, keys_.key_set());
}

Response Clerk::page(const Request& request, const std::string& path, const Query& query)
{
    const std::string return_to = find(query, "redirect_url");
    if (!return_to.empty() && loopback_origin(return_to).empty())
        return error_reply(400, "redirect_url_invalid", "redirect_url must be on this machine.");
    const std::string ttl = find(query, "ttl");
    std::string carried = return_to.empty() ? "" : "?redirect_url=" + encode(return_to);
    if (!ttl.empty()) carried += (carried.empty() ? "?ttl=" : "&amp;ttl=") + encode(ttl);

    std::string state = find_cookie(view(request[http::field::cookie]), client_cookie);
    state = state.starts_with(run_ + ".") ? state.substr(run_.size() + 1) : "";
    if (path == "/") return html_reply(index_page());
    if (path == "/sign-in")
        return state.empty() ? html_reply(sign_in_page(carried)) : send_back(query, state);
    if (path == "/sign-in/do")
        return send_back(query, query.contains("pending") ? "pending" : find(query, "org", "none"));
    if (path == "/sign-out") return sign_out(query);
    const bool is_choice = path == "/choose-organization" || path == "/choose-organization/do";
    if (!is_choice && path != "/sign-in/tasks")
        return error_reply(404, "not_found", "no such page");
    if (state.empty()) return redirect("/sign-in" + carried);
    // Clerk's page of tasks sends a session without one straight back.
    if (path == "/sign-in/tasks" && state != "pending") return send_back(query, state);
    if (path == "/choose-organization/do" && query.contains("org"))
        return send_back(query, find(query, "org"));
    return html_reply(choose_organization_page(carried, state == "pending"));
}

// Signs the browser in as `state` says and returns it to where it came from.
Response Clerk::send_back(const Query& query, const std::string& state)
{
    const bool has_organization = state != "none" && state != "pending";
    json::object fields = has_organization ? organization_fields(state) : json::object{};
    if (state == "pending") fields["sts"] = "pending";
    const std::string return_to = find(query, "redirect_url");
    // A browser's token names the origin it was asked for.
    if (!return_to.empty()) fields["azp"] = loopback_origin(return_to);
    if (query.contains("ttl")) fields["ttl"] = field_from_text("ttl", find(query, "ttl"));

    const std::int64_t now = std::time(nullptr);
    const Minted token = mint(instance_, keys_, fields, now);
    Response response = return_to.empty()
                            ? html_reply(message_page("Signed in", "Your browser has its cookies."))
                            : redirect(return_to);
    set_cookies(response, token.token, now);
    response.insert(http::field::set_cookie,
        std::string(client_cookie) + "=" + run_ + "." + state + "; Path=/; HttpOnly; SameSite=Lax");
    return response;
}

Response Clerk::sign_out(const Query& query)
{
    const std::string return_to = find(query, "redirect_url");
    Response response = return_to.empty()
                            ? html_reply(message_page("Signed out", "Your browser is nobody."))
                            : redirect(return_to);
    set_cookies(response, "", 0);
    response.insert(http::field::set_cookie,
        std::string(client_cookie) + "=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax");
    return response;
}

// Both forms of each cookie, as Clerk writes them; an empty token removes the session.
void Clerk::set_cookies(Response& response, std::string_view token, std::int64_t since) const
{
    const std::string year = "; Path=/; Max-Age=31536000; SameSite=Lax";
    const std::string gone = "; Path=/; Max-Age=0; SameSite=Lax";
    const std::string secure = is_secure_ ? "; Secure" : "";
    auto set = [&](std::string_view name, std::string_view value, const std::string& life) {
        for (const std::string& suffix : {std::string(), "_" + instance_.cookie_suffix})
            response.insert(http::field::set_cookie,
                std::string(name) + suffix + "=" + std::string(value) + life + secure);
    };
    set("__session", token, token.empty() ? gone : year);
    set("__client_uat", std::to_string(since), year);
    if (instance_.is_development) set("__clerk_db_jwt", "dvb_" + run_, year);
}

Response Clerk::minted(const Request& request, const Query& query)
{
    json::object fields;
    if (!request.body().empty()) fields = json::parse(request.body()).as_object();
    for (const auto& [name, value] : query)
        fields[name] = field_from_text(name, value);
    const Minted made = mint(instance_, keys_, fields, std::time(nullptr));
    if (view(request[http::field::accept]).find("application/json") == std::string_view::npos)
        return text_reply(200, "text/plain", made.token);
    return json_reply(
        200, {{"token", made.token}, {"header", made.header}, {"payload", made.payload}});
}

Response Clerk::rotated(const Query& query)
{
    keys_.rotate(find(query, "mode"));
    return json_reply(200, keys_.overview());
}

Response Clerk::faults(const Request& request)
{
    if (!request.body().empty()) {
        const json::object wanted = json::parse(request.body()).as_object();
        const json::value& jwks = wanted.at("jwks");
        fault_.reset();
        if (!jwks.is_null()) fault_ = parse_fault(jwks.as_object());
    }
    return json_reply(
        200, json::object{{"jwks", fault_ ? json::value(fault_->mode) : json::value(nullptr)}});
}

Response Clerk::counters(const std::string& path)
{
    if (path == "/counters/reset") counters_.clear();
    json::object counts;
    for (const auto& [name, count] : counters_)
        counts[name] = count;
    return json_reply(200, counts);
}

// Spoils the answer of a key set request while a fault is on.
void Clerk::strike(Answer& answer)
{
    if (!fault_) return;
    const Fault fault = *fault_;
    if (fault_->left && --*fault_->left <= 0) fault_.reset();
    answer.delay = fault.delay;
    if (fault.mode == "down")
        answer.delivery = Delivery::nothing;
    else if (fault.mode == "truncated")
        answer.delivery = Delivery::half;
    else if (fault.mode == "empty")
        answer.message = json_reply(200, {{"keys", json::array{}}});
    else if (fault.mode == "html")
        answer.message =
            html_reply(message_page("Welcome", "Please accept the terms of this network."));
    else if (fault.mode == "garbage")
        answer.message = text_reply(200, "application/json", std::string("\0\xff{\"keys\":[{", 12));
    else if (fault.mode != "slow")
        answer.message = error_reply(static_cast<unsigned>(std::stoi(fault.mode)),
            "internal_clerk_error", "It is not your fault.");
}

}  // namespace clerk_sim
