// The configuration that needs no file.

#include "orggate/config/load.hpp"

#include <string>
#include <utility>

namespace orggate::config {

namespace {

bool is_set(const Surroundings& world, const std::string& name)
{
    const auto value = world.environment(name);
    return value && !value->empty();
}

void miss(Loaded& loaded, std::string names)
{
    loaded.problems.push_back({"environment", 0, 0,
        "the variable " + std::move(names) + " is not set, and there is no configuration file",
        false});
}

// The same words a file would have, so that the same checks apply. Values stay out of the
// text: they are expanded after parsing.
std::string as_yaml(const Surroundings& world, const std::string& publishable)
{
    std::string yaml = "upstream: \"${ORGGATE_UPSTREAM}\"\nclerk:\n  publishable_key: \"${" +
                       publishable + "}\"\n";
    if (is_set(world, "CLERK_SECRET_KEY")) yaml += "  secret_key: \"${CLERK_SECRET_KEY}\"\n";
    if (is_set(world, "CLERK_JWT_KEY")) yaml += "  jwt_key: \"${CLERK_JWT_KEY}\"\n";
    return yaml;
}

}  // namespace

Loaded load_environment(const Surroundings& world)
{
    const std::string plain = "CLERK_PUBLISHABLE_KEY", next = "NEXT_PUBLIC_CLERK_PUBLISHABLE_KEY";
    const bool has_plain = is_set(world, plain);
    Loaded missing;
    if (!has_plain && !is_set(world, next)) miss(missing, plain + " (or " + next + ")");
    if (!is_set(world, "ORGGATE_UPSTREAM")) miss(missing, "ORGGATE_UPSTREAM");
    if (!missing.problems.empty()) return missing;

    auto loaded = load(as_yaml(world, has_plain ? plain : next), "", world);
    // Lines of a text that nobody wrote help nobody.
    for (auto& problem : loaded.problems) {
        problem.file = "environment";
        problem.line = problem.column = 0;
    }
    return loaded;
}

}  // namespace orggate::config
