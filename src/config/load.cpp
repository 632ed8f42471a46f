#include "orggate/config/load.hpp"

#include "config/sections.hpp"

#include <algorithm>
#include <tuple>
#include <utility>

namespace orggate::config {

namespace {

void read_version(Reader& reader, const Value& at)
{
    const auto text = reader.text(at, "1");
    if (text && *text != "1") reader.expected(at, "1");
}

// In this order: what a part names, an earlier one has read.
void read_all(Reader& reader, const Map& root, Draft& draft)
{
    read_version(reader, root["version"]);
    read_listeners(reader, root, draft);
    read_upstreams(reader, root, draft);
    read_clerk(reader, root, draft);
    read_redis(reader, root, draft);
    read_clients(reader, root, draft.config);
    read_limits(reader, root, draft);
    read_tenants(reader, root, draft);
    read_traffic(reader, root, draft);
    read_routes(reader, root, draft);
    read_headers(reader, root, draft);
    read_telemetry(reader, root, draft);
}

void finish(Draft& draft)
{
    auto& config = draft.config;
    for (const auto& rule : draft.rules)
        config.names.routes.push_back(rule.name);
    // Requests refused before they met a rule are counted apart.
    config.names.routes.push_back("(none)");
    for (const auto& upstream : config.upstreams)
        config.names.upstreams.push_back(upstream.name);
    config.rules = policy::RuleTable(std::move(draft.rules));
}

}  // namespace

std::string to_text(const Problem& problem)
{
    auto text = problem.file.empty() ? "" : problem.file + ":";
    if (problem.line > 0)
        text += std::to_string(problem.line) + ":" + std::to_string(problem.column) + ":";
    if (!text.empty()) text += " ";
    return text + (problem.is_warning ? "warning: " : "") + problem.message;
}

std::vector<Problem> in_file_order(std::vector<Problem> problems, const std::string& file)
{
    for (auto& problem : problems)
        problem.file = file;
    std::stable_sort(problems.begin(), problems.end(), [](const Problem& a, const Problem& b) {
        return std::tie(a.line, a.column) < std::tie(b.line, b.column);
    });
    // An alias is read wherever it stands, and its mistakes with it.
    const auto same = [](const Problem& a, const Problem& b) {
        return a.line == b.line && a.column == b.column && a.message == b.message;
    };
    problems.erase(std::unique(problems.begin(), problems.end(), same), problems.end());
    return problems;
}

Loaded load(std::string_view yaml, const std::string& file, const Surroundings& world)
{
    Reader reader(world);
    auto document = parse_document(yaml);
    reader.take(std::move(document.problems));
    Draft draft;
    draft.config.file = file;
    if (document.root) {
        const Map root(reader, Value{document.root.get(), ""}, "");
        if (root) read_all(reader, root, draft);
        if (root && !reader.has_errors()) find_warnings(reader, draft);
    }
    Loaded loaded;
    if (!reader.has_errors()) {
        finish(draft);
        loaded.config = std::make_shared<const Config>(std::move(draft.config));
    }
    loaded.problems = in_file_order(std::move(reader.problems()), file);
    return loaded;
}

}  // namespace orggate::config
