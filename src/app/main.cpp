#include "app/commands.hpp"
#include "app/options.hpp"

#include <cstdio>
#include <string_view>
#include <vector>

namespace {

void print(std::FILE* to, std::string_view text)
{
    std::fwrite(text.data(), 1, text.size(), to);
}

}  // namespace

namespace app = orggate::app;

int main(int count, char** words)
{
    const std::vector<std::string_view> arguments(words + 1, words + count);
    const auto [options, error] = app::parse_options(arguments);
    if (!error.empty()) {
        print(stderr, "orggate: " + error + "\n\n");
        print(stderr, app::usage());
        return 2;
    }
    switch (options.command) {
        case app::Command::run: return app::run(options);
        case app::Command::check: return app::check(options);
        case app::Command::version: return app::version();
        case app::Command::healthcheck: return app::healthcheck(options);
        case app::Command::tenant_set:
        case app::Command::tenant_clear:
        case app::Command::tenant_list:
        case app::Command::limit_show:
        case app::Command::limit_reset:
        case app::Command::limit_denied: return app::ask_admin(options);
        case app::Command::help: print(stdout, app::usage()); return 0;
    }
    return 2;
}
