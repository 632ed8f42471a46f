// Loads texts in tests: the smallest configuration plus what a test is about.

#pragma once

#include "config/world.hpp"

#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <vector>

namespace orggate::test {

inline const std::string upstream_line = "upstream: http://127.0.0.1:3000\n";
inline const std::string clerk_line = "clerk: { publishable_key: " + development_key + " }\n";
inline const std::string minimal = upstream_line + clerk_line;

// The clerk section with more keys, each line without its indentation.
inline std::string clerk_with(const std::string& lines, const std::string& key = development_key)
{
    std::string text = "clerk:\n  publishable_key: " + key + "\n  ";
    for (const char c : lines)
        text += c == '\n' ? std::string("\n  ") : std::string(1, c);
    return text + "\n";
}

inline std::vector<std::string> texts(const std::vector<config::Problem>& problems)
{
    std::vector<std::string> out;
    for (const auto& problem : problems)
        out.push_back(config::to_text(problem));
    return out;
}

inline std::string joined(const std::vector<config::Problem>& problems)
{
    std::string out;
    for (const auto& text : texts(problems))
        out += text + "\n";
    return out;
}

inline std::string spoken(const std::vector<std::string>& words)
{
    std::string out;
    for (const auto& word : words)
        out += word + " ";
    return out;
}

// The configuration of a text without mistakes.
inline std::shared_ptr<const config::Config> loaded(
    const std::string& yaml, const World& world = World())
{
    const auto result = config::load(yaml, "", world.surroundings());
    REQUIRE_MESSAGE(result.config != nullptr, joined(result.problems));
    return result.config;
}

inline std::string mistakes(const std::string& yaml, const World& world = World())
{
    return joined(config::load(yaml, "", world.surroundings()).problems);
}

}  // namespace orggate::test
