#include "token/json.hpp"

#include <doctest/doctest.h>

using namespace orggate::token;

namespace {

std::string nested(std::size_t depth)
{
    std::string text;
    for (std::size_t i = 0; i < depth; ++i)
        text += R"({"a":)";
    text += "1";
    return text + std::string(depth, '}');
}

std::string nested_arrays(std::size_t depth)
{
    return R"({"a":)" + std::string(depth, '[') + std::string(depth, ']') + "}";
}

}  // namespace

TEST_CASE("an object is read with its values")
{
    const auto object = json::parse_object(
        R"( {"s":"a\u0062\n","i":-7,"d":0.5,"t":true,"n":null,"l":[1,"x",{"y":2}],"o":{"k":""}} )");
    REQUIRE(object);
    CHECK(*object->find("s")->as<std::string>() == "ab\n");
    CHECK(*object->find("i")->as<std::int64_t>() == -7);
    CHECK(*object->find("d")->as<double>() == 0.5);
    CHECK(*object->find("t")->as<bool>());
    CHECK(object->find("n")->is_null());
    const auto* list = object->find("l")->as<json::Array>();
    REQUIRE(list->size() == 3);
    CHECK(*list->at(1).as<std::string>() == "x");
    CHECK(*list->at(2).as<json::Object>()->find("y")->as<std::int64_t>() == 2);
    CHECK(*object->find("o")->as<json::Object>()->find("k")->as<std::string>() == "");
    CHECK(object->find("absent") == nullptr);
    CHECK(object->find("s")->as<bool>() == nullptr);
}

TEST_CASE("a text that two readers could take differently is refused")
{
    struct Row {
        std::string_view name, text;
    };
    const Row rows[] = {
        {"nothing", ""},
        {"space", " "},
        {"null", "null"},
        {"array", "[]"},
        {"text", R"("x")"},
        {"number", "1"},
        {"true", "true"},
        {"byte order mark", "\xEF\xBB\xBF{}"},
        {"comment", "{/*x*/}"},
        {"line comment", "{}//x"},
        {"trailing comma", R"({"a":1,})"},
        {"bytes after", "{} x"},
        {"second object", "{}{}"},
        {"NUL after", std::string_view("{}\0", 3)},
        {"single quotes", "{'a':1}"},
        {"bare name", "{a:1}"},
        {"truncated", R"({"a":1)"},
        {"truncated text", R"({"a":"x)"},
        {"bad UTF-8", "{\"a\":\"\xFF\"}"},
        {"overlong UTF-8", "{\"a\":\"\xC0\xAF\"}"},
        {"UTF-8 surrogate", "{\"a\":\"\xED\xA0\x80\"}"},
        {"bad UTF-8 in a name", "{\"\xFF\":1}"},
        {"lone escaped surrogate", R"({"a":"\ud800"})"},
        {"control byte in a text", "{\"a\":\"x\ny\"}"},
        {"NaN", R"({"a":NaN})"},
        {"Infinity", R"({"a":Infinity})"},
        {"leading zero", R"({"a":01})"},
        {"plus", R"({"a":+1})"},
        {"hexadecimal", R"({"a":0x10})"},
        {"twice", R"({"a":1,"a":1})"},
        {"twice, apart", R"({"a":1,"b":2,"c":3,"a":4})"},
        {"twice by escape", R"({"org_id":"x","\u006frg_id":"y"})"},
        {"twice by another escape", R"({"a\/b":1,"a/b":2})"},
        {"twice below", R"({"o":{"id":1,"id":2}})"},
        {"twice in a list", R"({"o":[{"id":1,"id":2}]})"},
        {"twice an empty name", R"({"":1,"":2})"},
        {"2^63", R"({"a":9223372036854775808})"},
        {"below -2^63", R"({"a":-9223372036854775809})"},
        {"2^64", R"({"a":18446744073709551616})"},
        {"1e400", R"({"a":1e400})"},
        {"-1e400", R"({"a":-1e400})"},
        {"2^63 as a fraction", R"({"a":9223372036854775808.0})"},
        {"1e19", R"({"a":1e19})"},
    };
    for (const auto& row : rows) {
        CAPTURE(row.name);
        CHECK_FALSE(json::parse_object(row.text));
    }
    CHECK_FALSE(json::parse_object(R"({"a":)" + std::string(400, '9') + "}"));
}

TEST_CASE("numbers at the edge of 64 signed bits are exact")
{
    struct Row {
        std::string_view text;
        std::int64_t number;
    };
    const Row rows[] = {
        {R"({"a":9223372036854775807})", INT64_MAX},
        {R"({"a":-9223372036854775808})", INT64_MIN},
        {R"({"a":0})", 0},
        {R"({"a":-1})", -1},
    };
    for (const auto& row : rows) {
        CAPTURE(row.text);
        const auto object = json::parse_object(row.text);
        REQUIRE(object);
        REQUIRE(object->find("a")->as<std::int64_t>());
        CHECK(*object->find("a")->as<std::int64_t>() == row.number);
    }
    for (const std::string_view text :
        {R"({"a":2.0})", R"({"a":2e0})", R"({"a":-0.5})", R"({"a":9e18})"}) {
        CAPTURE(text);
        const auto object = json::parse_object(text);
        REQUIRE(object);
        CHECK(object->find("a")->as<double>());
        CHECK_FALSE(object->find("a")->as<std::int64_t>());
    }
}

TEST_CASE("the same name in different objects is no repetition")
{
    CHECK(json::parse_object(R"({"a":{"a":{"a":1}},"b":[{"a":1},{"a":2}]})"));
}

TEST_CASE("depth is limited")
{
    CHECK(json::parse_object(nested(8)));
    CHECK_FALSE(json::parse_object(nested(9)));
    CHECK(json::parse_object(nested_arrays(7)));
    CHECK_FALSE(json::parse_object(nested_arrays(8)));
    CHECK_FALSE(json::parse_object(nested_arrays(5000)));
    CHECK(json::parse_object(nested(3), {.bytes = 100, .depth = 3}));
    CHECK_FALSE(json::parse_object(nested(4), {.bytes = 100, .depth = 3}));
}

TEST_CASE("size is limited")
{
    const auto sized = [](std::size_t bytes) {
        return R"({"a":")" + std::string(bytes - 8, 'x') + R"("})";
    };
    REQUIRE(sized(100).size() == 100);
    CHECK(json::parse_object(sized(16 * 1024)));
    CHECK_FALSE(json::parse_object(sized(16 * 1024 + 1)));
}

TEST_CASE("thousands of names are found and compared")
{
    std::string text = "{";
    for (int i = 0; i < 1500; ++i)
        text += "\"k" + std::to_string(i) + "\":1,";
    const auto good = json::parse_object(text + R"("last":2})");
    REQUIRE(good);
    CHECK(good->members().size() == 1501);
    CHECK(*good->find("last")->as<std::int64_t>() == 2);
    CHECK(*good->find("k777")->as<std::int64_t>() == 1);
    CHECK_FALSE(json::parse_object(text + R"("k0":2})"));
}
