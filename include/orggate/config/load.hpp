// YAML to Config, or the list of everything that is wrong with it.
// The only place that knows YAML.

#pragma once

#include "orggate/config/config.hpp"

#include <boost/system/result.hpp>

#include <chrono>
#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace orggate::config {

struct Problem {
    std::string file;
    int line = 0, column = 0;  // from 1; 0: the file as a whole
    std::string message;       // the key, what was found, what was expected
    bool is_warning = false;
};

// `file:line:column: message`, warnings with `warning: ` before the message.
std::string to_text(const Problem& problem);

// The world outside the file, so that tests bring their own.
struct Surroundings {
    std::function<std::optional<std::string>(const std::string& name)> environment;
    // The content of a file, or nothing and `error` says why.
    std::function<std::optional<std::string>(const std::string& path, std::string& error)>
        read_file;
    int processors = 1;  // min(affinity, cgroup quota), for `workers: auto`
    // For warnings about what has ended; 1970: none.
    std::chrono::system_clock::time_point now{};
};

struct Loaded {
    std::shared_ptr<const Config> config;  // null if any problem is not a warning
    std::vector<Problem> problems;
};

// All mistakes in one pass.
Loaded load(std::string_view yaml, const std::string& file, const Surroundings& world);

// The configuration that needs no file: CLERK_PUBLISHABLE_KEY (or NEXT_PUBLIC_…),
// CLERK_SECRET_KEY, CLERK_JWT_KEY, ORGGATE_UPSTREAM.
Loaded load_environment(const Surroundings& world);

// The tenants file has the keys `tenants` and `bypass`, one of them or both, as the
// configuration would hold them. What names no limit of `config` is a problem.
struct LoadedTenants {
    std::optional<std::map<std::string, policy::Tenant, std::less<>>> tenants;  // nothing: wrong
    std::vector<Problem> problems;
};
LoadedTenants load_tenants(std::string_view yaml, const std::string& file, const Config& config,
    const Surroundings& world);

// One organisation's settings as one line, as the fleet shares them: what stands below its
// name, in YAML's flow form, such as `{ bypass: [api], until: 2027-03-01T00:00:00Z }`.
// At most max_tenant_text bytes. Limits that `config` does not have are passed over, since
// another process may have them; the text keeps them. No variable is replaced.
// The error is for the operator who wrote it.
inline constexpr std::size_t max_tenant_text = 4096;
boost::system::result<policy::Tenant, std::string> tenant_from_text(
    std::string_view text, const Config& config);

}  // namespace orggate::config
