// YAML to Config, or the list of everything that is wrong with it.
// The only place that knows YAML.

#pragma once

#include "orggate/config/config.hpp"

#include <functional>
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

}  // namespace orggate::config
