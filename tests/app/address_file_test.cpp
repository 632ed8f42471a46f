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

    CHECK_FALSE(read_address(path, "telemetry"));
    CHECK(write_address_file(path, R"({"pid":1,"listen":[],"telemetry":"127.0.0.1:9"})").empty());
    CHECK(read_address(path, "telemetry") == "127.0.0.1:9");
    for (const auto* broken : {"", "{", "[]", R"({"telemetry":9})", R"({"listen":[]})"}) {
        CAPTURE(broken);
        CHECK(write_address_file(path, broken).empty());
        CHECK_FALSE(read_address(path, "telemetry"));
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

TEST_CASE("an address is host and port or the path of a unix socket")
{
    CHECK(parse_address("127.0.0.1:9090")->port == 9090);
    CHECK(parse_address("0.0.0.0:1")->host == "127.0.0.1");
    CHECK(parse_address("[::]:65535")->host == "::1");
    CHECK(parse_address("[::1]:80")->host == "::1");
    CHECK(parse_address("unix:/run/orggate/admin.sock")->unix_path == "/run/orggate/admin.sock");
    for (const auto* bad : {"", ":80", "host", "host:", "host:0", "host:65536", "host:-1",
             "host:8 0", "host:+80", "unix:"}) {
        CAPTURE(bad);
        CHECK_FALSE(parse_address(bad));
    }
}
