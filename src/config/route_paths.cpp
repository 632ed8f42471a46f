// A route's paths.

#include "config/sections.hpp"
#include "config/text.hpp"

namespace orggate::config {

namespace {

// What a Next.js page needs before anybody is signed in: files that are the same for
// everybody. Never /_next/data or /_next/image: these answer with the app's own content.
constexpr std::string_view nextjs[] = {"/_next/static/(.*)", "/favicon.ico", "/icon.(ico|png|svg)",
    "/apple-icon.png", "/apple-touch-icon.png", "/robots.txt", "/sitemap.xml", "/manifest.json",
    "/manifest.webmanifest", "/opengraph-image.png", "/twitter-image.png"};

void add_preset(Reader& reader, const Value& at, policy::PatternOptions options,
    std::vector<policy::Pattern>& out)
{
    if (!reader.choice<int>(at, {{"nextjs", 0}})) return;
    for (const auto path : nextjs)
        if (auto pattern = policy::Pattern::compile(path, options))
            out.push_back(std::move(*pattern));
}

}  // namespace

std::vector<policy::Pattern> read_paths(
    Reader& reader, const Map& route, policy::PatternOptions options)
{
    std::vector<policy::Pattern> out;
    const auto at = route["paths"];
    if (!at && !route["preset"])
        reader.error(route.where(), "paths is missing, such as [\"/admin(.*)\"]");
    reader.refuse_empty(at, "at least one path");
    for (const auto& text : reader.texts(at, "a list of paths such as [\"/admin(.*)\"]")) {
        auto pattern = policy::Pattern::compile(text.text, options);
        if (pattern)
            out.push_back(std::move(*pattern));
        else
            reader.error(
                text.where, "found " + shown(text.where.node->text) + "; " + pattern.error());
    }
    add_preset(reader, route["preset"], options, out);
    return out;
}

}  // namespace orggate::config
