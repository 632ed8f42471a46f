#include "app/tenants_file.hpp"

#include <utility>

namespace orggate::app {

TenantsFile::Look TenantsFile::first(std::optional<std::string> content, const std::string& error)
{
    last_ = {content, error};
    return take(std::move(content), error);
}

TenantsFile::Look TenantsFile::again(std::optional<std::string> content, const std::string& error)
{
    Reading now{std::move(content), error};
    const bool is_settled = now == last_;
    const bool is_new = now != judged_;
    last_ = std::move(now);
    if (!is_settled || !is_new) return {};
    return take(last_.content, error);
}

TenantsFile::Look TenantsFile::take(std::optional<std::string> content, const std::string& error)
{
    Look look;
    judged_ = {std::move(content), error};
    is_good_ = false;
    if (!judged_.content) {
        look.error = error;
        return look;
    }
    auto loaded = load_(*judged_.content);
    look.problems = std::move(loaded.problems);
    look.tenants = std::move(loaded.tenants);
    is_good_ = look.tenants.has_value();
    return look;
}

}  // namespace orggate::app
