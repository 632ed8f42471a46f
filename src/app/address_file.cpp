#include "app/address_file.hpp"

// floors: allow boost-json: a file of our own writing, in which no key matters twice
#include <boost/json/parse.hpp>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <sstream>

namespace orggate::app {

AddressFile choose_address_file(const Options& options)
{
    if (options.address_file) return {*options.address_file, true};
    if (const char* path = std::getenv("ORGGATE_ADDRESS_FILE"); path && *path) return {path, true};
    return {"/run/orggate/address.json", false};
}

std::string write_address_file(const std::string& path, const std::string& json)
{
    const auto fresh = path + ".new";
    std::ofstream file(fresh, std::ios::trunc);
    file << json;
    file.close();
    if (!file || std::rename(fresh.c_str(), path.c_str()) != 0)
        return "cannot write " + path + ": " + std::strerror(errno);
    return {};
}

std::optional<std::string> read_telemetry_address(const std::string& path)
{
    std::ifstream file(path);
    std::ostringstream text;
    text << file.rdbuf();
    boost::system::error_code error;
    const auto json = boost::json::parse(text.str(), error);
    if (error || !json.is_object()) return {};
    const auto* address = json.as_object().if_contains("telemetry");
    if (!address || !address->is_string()) return {};
    return std::string(address->as_string());
}

}  // namespace orggate::app
