// The commands of the command line. Each gives the process's exit code.

#pragma once

#include "app/options.hpp"

namespace orggate::app {

int run(const Options& options);
int check(const Options& options);
int version();
int healthcheck(const Options& options);
// tenant ... and limit ...
int ask_admin(const Options& options);

}  // namespace orggate::app
