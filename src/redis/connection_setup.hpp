// The first words on a connection, all in one write and every reply checked.

#pragma once

#include "redis/connection.hpp"
#include "redis/node.hpp"

#include <string>

namespace orggate::redis {

struct Credentials {
    std::string username, password;  // both empty: no AUTH
};

// AUTH and CLIENT SETNAME (which an ACL may refuse). For a Sentinel.
Awaitable<Trouble> introduce(Connection& connection, const Credentials& credentials,
    const std::string& client_name, Milliseconds deadline);

// AUTH, CLIENT SETNAME, SELECT (not in a Cluster, not for database 0), ROLE, which must say
// master, and SCRIPT LOAD of all scripts and the probe, whose digests must be ours.
Awaitable<Trouble> set_up(
    Connection& connection, const Settings& settings, Duty duty, Milliseconds deadline);

// Does nothing, as every script does: a server may answer PING and yet run none.
const Script& probe_script();

}  // namespace orggate::redis
