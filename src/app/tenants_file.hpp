// The tenants file as it is read again and again: what to take of it, and what to say.
// A folder's symbolic link may be swapped and a time stamp may lie, so the content decides.
// Pure: the content is an argument.

#pragma once

#include "app/tenant_sources.hpp"
#include "orggate/config/load.hpp"

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace orggate::app {

// Between two readings. A change counts when two readings in a row agree: a file that is
// being written is not taken half.
inline constexpr Milliseconds tenants_file_period{250};

class TenantsFile {
public:
    // Content to tenants or problems.
    using Load = std::function<config::LoadedTenants(const std::string& content)>;

    explicit TenantsFile(Load load) : load_(std::move(load)) {}

    struct Look {
        std::optional<TenantMap> tenants;       // take these
        std::vector<config::Problem> problems;  // new ones; not repeated while nothing changes
        std::string error;                      // the file can't be read, said once
    };
    // At start: there is no earlier reading to agree with, and no last good list.
    Look first(std::optional<std::string> content, const std::string& error);
    Look again(std::optional<std::string> content, const std::string& error);

    bool is_good() const { return is_good_; }

private:
    Look take(std::optional<std::string> content, const std::string& error);

    Load load_;
    struct Reading {
        std::optional<std::string> content;
        std::string error;
        bool operator==(const Reading&) const = default;
    };
    Reading judged_, last_;
    bool is_good_ = false;
};

}  // namespace orggate::app
