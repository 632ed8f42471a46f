#include "app/address_file.hpp"

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>

#include <stdlib.h>

using namespace orggate::app;
namespace fs = std::filesystem;

TEST_CASE("what is written is found again, and a broken file names nothing")
{
    std::string folder = (fs::temp_directory_path() / "orggate-address-XXXXXX").string();
    REQUIRE(mkdtemp(folder.data()) != nullptr);
    const auto path = folder + "/address.json";

    CHECK_FALSE(read_telemetry_address(path));
    CHECK(write_address_file(path, R"({"pid":1,"listen":[],"telemetry":"127.0.0.1:9"})").empty());
    CHECK(read_telemetry_address(path) == "127.0.0.1:9");
    for (const auto* broken : {"", "{", "[]", R"({"telemetry":9})", R"({"listen":[]})"}) {
        CAPTURE(broken);
        CHECK(write_address_file(path, broken).empty());
        CHECK_FALSE(read_telemetry_address(path));
    }
    CHECK_FALSE(write_address_file(folder + "/no/such/folder", "{}").empty());
    fs::remove_all(folder);
}

TEST_CASE("the option comes before the default")
{
    Options options;
    options.address_file = "/x/y.json";
    CHECK(choose_address_file(options).path == "/x/y.json");
    CHECK(choose_address_file(options).was_asked_for);
}
