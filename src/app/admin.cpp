#include "app/admin.hpp"

#include "app/admin_answers.hpp"

#include <utility>

namespace orggate::app {

Awaitable<Page> Admin::answer(PageRequest request)
{
    if (auto page = parts_.guard.refuse(request)) co_return std::move(*page);
    if (request.has_body) co_return refusal(400, "parameters stand in the query, not in a body");
    const bool is_get = request.method == "GET", is_post = request.method == "POST";
    if (request.path == "/limits" && is_get) co_return co_await limits(std::move(request.query));
    if (request.path == "/limits/reset" && is_post)
        co_return co_await reset(std::move(request.query));
    if (request.path == "/limits/denied" && is_get) co_return denied(request.query);
    if (request.path == "/tenants" && is_get && request.query.empty()) co_return tenants();
    if (request.path.starts_with(tenants_path)) co_return co_await tenant(std::move(request));
    co_return refusal(404, "GET /limits, POST /limits/reset, GET /limits/denied, GET /tenants, "
                           "POST or DELETE /tenants/ORG, POST /tenants/ORG/clear");
}

}  // namespace orggate::app
