// The world around a configuration in tests: a few variables, a few files.

#pragma once

#include "orggate/config/load.hpp"

#include <chrono>
#include <map>
#include <optional>
#include <string>

namespace orggate::test {

// Throw-away keys, made for these tests.
inline const std::string public_pem =
    "-----BEGIN PUBLIC KEY-----\n"
    "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAmX5ZzgwvRzmyzbrC06/m\n"
    "aHYTmMAKcETvi+9PzBLbFgOfzaAQM83Fg3Xdq58XC+02Yki0/3nSOX1rPL2CvGq4\n"
    "x4xPNJkORvikyikHnMJ2ON39w1o1isXsyc4UmnLggBWKvHoBYfrpqF1Dx41QqOqB\n"
    "JsNYXrL5UkFZf7ZEUMqeMTmIybgLkuJoZ7v4g9zY+PuKkKAuE38uENoltAkY4Rj9\n"
    "bfvHO00qCTrAxRNETzLB0+kZ8AgqhgtgpCEPufz735MUPeE5jGjfH5SuffwUpC51\n"
    "RCrZDaeUM8GlHGJDGC3xS4vrfnIjSIdx21Dwpcf8FV26n+VdWOk+fZx89TiIWzSf\n"
    "ZQIDAQAB\n"
    "-----END PUBLIC KEY-----\n";
inline const std::string private_pem =
    "-----BEGIN PRIVATE KEY-----\n"
    "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgIOoKzusJkFNXh7CT\n"
    "sl7y5tejXJNoRF+xp6vH/vMyiPWhRANCAAS0LJ6gm5JS6Dxc6ctU8Cy1rMjZ99B+\n"
    "1b08qWNvgj4ufDQIRYVio4qq/9lm1zhVwGuS1Gvi2YbgFrhxl3T1zH+g\n"
    "-----END PRIVATE KEY-----\n";

// clerk.example.com, as a development and as a production instance.
inline const std::string development_key = "pk_test_Y2xlcmsuZXhhbXBsZS5jb20k";
inline const std::string production_key = "pk_live_Y2xlcmsuZXhhbXBsZS5jb20k";

struct World {
    std::map<std::string, std::string> variables{
        {"CLERK_PUBLISHABLE_KEY", development_key},
        {"SECRET", "sk_test_hunter2hunter2"},
        {"PASSWORD", "hunter2 with blanks"},
        {"EMPTY", ""},
        {"PORT", "3000"},
    };
    std::map<std::string, std::string> files{
        {"/pub.pem", public_pem},
        {"/key.pem", private_pem},
        {"/secret", "sk_test_hunter2hunter2\n"},
        {"/blank", "\n"},
        {"/password", "hunter2\n"},
        {"/run/secrets/redis/password", "hunter2\n"},
        {"/admin_token", "0123456789abcdef\n"},
        {"/token_short", "0123456789abcde\n"},
        {"/token_blank", "0123456789 abcdef\n"},
        {"tenants.yaml", "tenants: { org_1: { blocked: true } }\n"},
    };
    int processors = 2;
    // 2026-11-21T00:00:00Z
    std::chrono::system_clock::time_point now{std::chrono::seconds(1795219200)};

    config::Surroundings surroundings() const
    {
        config::Surroundings made;
        made.environment = [this](const std::string& name) -> std::optional<std::string> {
            const auto found = variables.find(name);
            return found == variables.end() ? std::nullopt : std::optional(found->second);
        };
        made.read_file = [this](const std::string& path,
                             std::string& error) -> std::optional<std::string> {
            const auto found = files.find(path);
            if (found != files.end()) return found->second;
            error = "No such file or directory";
            return std::nullopt;
        };
        made.processors = processors;
        made.now = now;
        return made;
    }
};

}  // namespace orggate::test
