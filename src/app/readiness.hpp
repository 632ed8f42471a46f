// Whether the app behind us answers: asked when somebody wants to know, at most once per
// interval. Control thread only.

#pragma once

#include "orggate/awaitable.hpp"
#include "orggate/config/config.hpp"
#include "orggate/net/deadlines.hpp"
#include "orggate/net/tls.hpp"

#include <chrono>
#include <memory>
#include <string>
#include <vector>

namespace orggate::app {

class AppHealth {
public:
    AppHealth(std::shared_ptr<const config::Config> config,
        const std::vector<std::unique_ptr<net::ClientContext>>& tls, net::Deadlines& deadlines);

    // The names of the upstreams that do not answer; empty: all do.
    Awaitable<std::vector<std::string>> silent();

private:
    Awaitable<bool> answers(std::size_t upstream);

    struct Last {
        bool answered = false;
        std::chrono::steady_clock::time_point until{};  // good for as long
    };
    std::shared_ptr<const config::Config> config_;
    const std::vector<std::unique_ptr<net::ClientContext>>& tls_;
    net::Deadlines& deadlines_;
    std::vector<Last> last_;
};

}  // namespace orggate::app
