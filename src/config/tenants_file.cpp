// Organisations' settings from outside the configuration: the tenants file, and one
// organisation's as a line of text.

#include "orggate/config/load.hpp"

#include "config/schema.hpp"
#include "config/sections.hpp"

#include <utility>

namespace orggate::config {

namespace {

// A text from the fleet must not read this process's environment.
Surroundings without_surroundings()
{
    Surroundings world;
    world.environment = [](const std::string&) -> std::optional<std::string> {
        return std::nullopt;
    };
    world.read_file = [](const std::string&, std::string&) -> std::optional<std::string> {
        return std::nullopt;
    };
    return world;
}

std::string first_error(const Reader& reader)
{
    for (const auto& problem : reader.problems())
        if (!problem.is_warning) return to_text(problem);
    return {};
}

}  // namespace

LoadedTenants load_tenants(
    std::string_view yaml, const std::string& file, const Config& config, const Surroundings& world)
{
    Reader reader(world);
    auto document = parse_document(yaml);
    reader.take(std::move(document.problems));
    LoadedTenants loaded;
    TenantMap tenants;
    if (document.root) {
        const Map top(reader, Value{document.root.get(), ""}, tenants_file_section);
        if (top) tenants = read_tenant_map(reader, top, config);
    }
    if (!reader.has_errors()) loaded.tenants = std::move(tenants);
    loaded.problems = in_file_order(std::move(reader.problems()), file);
    return loaded;
}

boost::system::result<policy::Tenant, std::string> tenant_from_text(
    std::string_view text, const Config& config)
{
    if (text.size() > max_tenant_text) return std::string("longer than 4 KiB");
    if (text.find('\n') != std::string_view::npos || text.find('\r') != std::string_view::npos)
        return std::string("expected one line");
    const auto world = without_surroundings();
    Reader reader(world);
    auto document = parse_document(text);
    reader.take(std::move(document.problems));
    policy::Tenant tenant;
    if (document.root)
        tenant =
            read_tenant(reader, Value{document.root.get(), ""}, config, UnknownLimits::pass_over);
    if (reader.has_errors()) return first_error(reader);
    return tenant;
}

}  // namespace orggate::config
