#include "app/surroundings.hpp"

#include "app/processors.hpp"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>

namespace orggate::app {
namespace {

constexpr std::size_t most_bytes = 16u << 20, longest_name = 64;

bool is_plain(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
}

}  // namespace

std::optional<std::string> environment(const std::string& name)
{
    const char* value = std::getenv(name.c_str());
    return value ? std::optional<std::string>(value) : std::nullopt;
}

std::optional<std::string> read_file(const std::string& path, std::string& error)
{
    errno = 0;
    std::ifstream file(path, std::ios::binary);
    std::string text;
    char buffer[65536];
    while (file && text.size() <= most_bytes) {
        file.read(buffer, sizeof buffer);
        text.append(buffer, static_cast<std::size_t>(file.gcount()));
    }
    if (text.size() > most_bytes) {
        error = "is larger than 16 MiB";
        return {};
    }
    // A folder opens and cannot be read.
    if (!file.is_open() || errno == EISDIR) {
        error = std::strerror(errno != 0 ? errno : EIO);
        return {};
    }
    return text;
}

config::Surroundings surroundings()
{
    config::Surroundings world;
    world.environment = environment;
    world.read_file = read_file;
    world.processors = usable_processors();
    world.now = std::chrono::system_clock::now();
    return world;
}

std::string host_name()
{
    char own[256] = {};
    auto name = environment("POD_NAME").value_or("");
    if (name.empty() && ::gethostname(own, sizeof own - 1) == 0) name = own;
    if (name.size() > longest_name) name.resize(longest_name);
    std::ranges::replace_if(
        name, [](char c) { return !is_plain(c); }, '-');
    return name.empty() ? "host" : name;
}

}  // namespace orggate::app
