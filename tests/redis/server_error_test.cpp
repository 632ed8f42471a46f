#include "redis/server_error.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace orggate;
using redis::classify;
using redis::Failure;
using redis::Remedy;
using redis::ServerError;

namespace {

std::string wrapped(const std::string& inside)
{
    return "ERR Error running script (call to f_2597e0576dd54eb42864e3a1b8392b96e018bcc3): "
           "@user_script:1: @user_script: 1: " +
           inside + " ";
}

std::string in_script(const std::string& inside)
{
    return inside + " script: 2597e0576dd54eb42864e3a1b8392b96e018bcc3, on @user_script:1.";
}

}  // namespace

TEST_CASE("what a server says is known in both shapes by what it asks for")
{
    struct Row {
        std::string name, text;
        Remedy remedy;
        Failure failure;
        std::string code;
    };
    const auto none = Remedy::none;
    const std::string read_only = "READONLY You can't write against a read only replica.";
    const std::string no_memory = "OOM command not allowed when used memory > 'maxmemory'.";
    const std::string no_replicas = "NOREPLICAS Not enough good replicas to write.";
    const std::string misconf =
        "MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist "
        "to disk. Commands that may modify the data set are disabled, because this instance is "
        "configured to report errors during writes if RDB snapshotting fails "
        "(stop-writes-on-bgsave-error option). Please check the Redis logs for details about the "
        "RDB error.";
    const std::string wrong_type =
        "WRONGTYPE Operation against a key holding the wrong kind of value";
    const std::string no_command =
        "The user executing the script can't run this command or subcommand";
    const std::string no_key =
        "The user executing the script can't access at least one of the keys mentioned in the "
        "command arguments";
    const Row rows[] = {
        {"no script", "NOSCRIPT No matching script. Please use EVAL.", Remedy::send_text,
            Failure::defect, "NOSCRIPT"},
        {"no script, the code alone", "NOSCRIPT", Remedy::send_text, Failure::defect, "NOSCRIPT"},
        {"try again", "TRYAGAIN Multiple keys request during rehashing of slot", Remedy::wait,
            Failure::down, "TRYAGAIN"},
        {"cluster down", "CLUSTERDOWN The cluster is down", none, Failure::down, "CLUSTERDOWN"},
        {"slot of nobody", "CLUSTERDOWN Hash slot not served", none, Failure::down, "CLUSTERDOWN"},
        {"replica", read_only, Remedy::rediscover, Failure::down, "READONLY"},
        {"replica, script", in_script(read_only), Remedy::rediscover, Failure::down, "READONLY"},
        {"replica, wrapped", wrapped("-" + read_only), Remedy::rediscover, Failure::down,
            "READONLY"},
        {"stale replica",
            "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.",
            Remedy::rediscover, Failure::down, "MASTERDOWN"},
        {"loading", "LOADING Redis is loading the dataset in memory", none, Failure::down,
            "LOADING"},
        {"busy",
            "BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN "
            "NOSAVE.",
            none, Failure::down, "BUSY"},
        {"killed", in_script("ERR Script killed by user with SCRIPT KILL..."), none, Failure::down,
            "BUSY"},
        {"no replicas", in_script(no_replicas), none, Failure::down, "NOREPLICAS"},
        {"no replicas, wrapped", wrapped("-" + no_replicas), none, Failure::down, "NOREPLICAS"},
        {"disk", misconf, none, Failure::down, "MISCONF"},
        {"disk, wrapped", wrapped("-" + misconf), none, Failure::down, "MISCONF"},
        {"memory", in_script(no_memory), none, Failure::down, "OOM"},
        {"memory, wrapped", wrapped("-" + no_memory), none, Failure::down, "OOM"},
        {"clients", "ERR max number of clients reached", none, Failure::down, "MAXCLIENTS"},
        {"no password", "NOAUTH Authentication required.", none, Failure::forbidden, "NOAUTH"},
        {"no password, old", "ERR operation not permitted", none, Failure::forbidden, "NOAUTH"},
        {"wrong password", "WRONGPASS invalid username-password pair or user is disabled.", none,
            Failure::forbidden, "WRONGPASS"},
        {"wrong password, old", "ERR invalid password", none, Failure::forbidden, "WRONGPASS"},
        {"command", "NOPERM this user has no permissions to run the 'evalsha' command", none,
            Failure::forbidden, "NOPERM"},
        {"key", "NOPERM this user has no permissions to access one of the keys used as arguments",
            none, Failure::forbidden, "NOPERM"},
        {"command in a script", in_script("ERR " + no_command), none, Failure::forbidden, "NOPERM"},
        {"key in a script", in_script("ERR " + no_key), none, Failure::forbidden, "NOPERM"},
        {"command in a script, wrapped", wrapped(no_command), none, Failure::forbidden, "NOPERM"},
        {"command in a script, newer",
            in_script("NOPERM ACL failure in script: User u has no permissions to run the 'set' "
                      "command"),
            none, Failure::forbidden, "NOPERM"},
        {"type", in_script(wrong_type), none, Failure::defect, "WRONGTYPE"},
        {"type, wrapped", wrapped("-" + wrong_type), none, Failure::defect, "WRONGTYPE"},
        {"slots", "CROSSSLOT Keys in request don't hash to the same slot", none, Failure::defect,
            "CROSSSLOT"},
        {"script", in_script("ERR user_script:1: attempt to perform arithmetic on a nil value"),
            none, Failure::defect, "ERR"},
        {"script, old",
            "ERR Error running script (call to f_ab): @user_script:1: user_script:1: attempt to "
            "call a nil value",
            none, Failure::defect, "ERR"},
        {"compile", "ERR Error compiling script (new function): user_script:1: '=' expected", none,
            Failure::defect, "ERR"},
        {"unknown command", "ERR unknown command 'EVALSHA', with args beginning with: 'a'", none,
            Failure::defect, "ERR"},
        {"unknown code", "WHAT ever", none, Failure::defect, "ERR"},
        {"empty", "", none, Failure::defect, "ERR"},
        {"blank", " ", none, Failure::defect, "ERR"},
        {"ERR alone", "ERR", none, Failure::defect, "ERR"},
        {"lower case is no code", "readonly You", none, Failure::defect, "ERR"},
        {"a longer word is no code", "OOMS x", none, Failure::defect, "ERR"},
        {"the code elsewhere is none", "ERR wrong READONLY", none, Failure::defect, "ERR"},
        {"a wrap without its end", "ERR Error running script (call to f_ab): @user_script: ", none,
            Failure::defect, "ERR"},
        {"a wrap with nothing inside", wrapped("-"), none, Failure::defect, "ERR"},
    };
    for (const Row& row : rows) {
        CAPTURE(row.name);
        const ServerError error = classify(row.text);
        CHECK(error.remedy == row.remedy);
        CHECK(error.failure == row.failure);
        CHECK(error.code == row.code);
    }
}

TEST_CASE("a redirect names its slot and server")
{
    struct Row {
        std::string name, text;
        Remedy remedy;
        int slot;
        std::string host;
        int port;
    };
    const std::string name_253(253, 'a');
    const Row rows[] = {
        {"moved", "MOVED 3999 127.0.0.1:6381", Remedy::follow, 3999, "127.0.0.1", 6381},
        {"ask", "ASK 3999 127.0.0.1:6381", Remedy::ask, 3999, "127.0.0.1", 6381},
        {"the same host", "MOVED 3999 :6381", Remedy::follow, 3999, "", 6381},
        {"a name", "MOVED 0 redis-0.redis:1", Remedy::follow, 0, "redis-0.redis", 1},
        {"IPv6", "MOVED 16383 2001:db8::1:65535", Remedy::follow, 16383, "2001:db8::1", 65535},
        {"the longest name", "MOVED 1 " + name_253 + ":1", Remedy::follow, 1, name_253, 1},
        {"more words", "MOVED 1 a:1 more", Remedy::follow, 1, "a", 1},
    };
    for (const Row& row : rows) {
        CAPTURE(row.name);
        const ServerError error = classify(row.text);
        CHECK(error.remedy == row.remedy);
        CHECK(error.failure == Failure::down);
        CHECK(error.slot == row.slot);
        CHECK(error.host == row.host);
        CHECK(error.port == row.port);
    }
}

TEST_CASE("a redirect to nowhere is a defect and is not followed")
{
    struct Row {
        std::string name, text;
    };
    const Row rows[] = {
        {"nothing", "MOVED"},
        {"no address", "MOVED 3999"},
        {"no port", "MOVED 3999 127.0.0.1"},
        {"empty port", "MOVED 3999 127.0.0.1:"},
        {"port zero", "MOVED 3999 127.0.0.1:0"},
        {"port past the last", "MOVED 3999 127.0.0.1:65536"},
        {"negative port", "MOVED 3999 127.0.0.1:-1"},
        {"port with a tail", "MOVED 3999 127.0.0.1:6381x"},
        {"slot past the last", "MOVED 16384 127.0.0.1:6381"},
        {"negative slot", "ASK -1 127.0.0.1:6381"},
        {"huge slot", "ASK 99999999999999999999 127.0.0.1:6381"},
        {"no slot", "ASK x 127.0.0.1:6381"},
        {"unknown host", "MOVED 3999 ?:6381"},
        {"a path", "MOVED 3999 /tmp/x:6381"},
        {"a line's end in the host", "MOVED 3999 a\r\nb:6381"},
        {"two blanks", "MOVED  3999 127.0.0.1:6381"},
        {"a name too long", "MOVED 1 " + std::string(254, 'a') + ":1"},
    };
    for (const Row& row : rows) {
        CAPTURE(row.name);
        const ServerError error = classify(row.text);
        CHECK(error.remedy == Remedy::none);
        CHECK(error.failure == Failure::defect);
    }
}
