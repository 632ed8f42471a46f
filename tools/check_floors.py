#!/usr/bin/env python3
"""Keeps the floors: who may include whom, where a library may appear, which calls are banned.

usage: tools/check_floors.py [ROOT]      checks src and include/orggate below ROOT (default: this repository)
       tools/check_floors.py --self-test   proves that every rule can fail

An exception is a comment on the same line or the line above, with its reason:
    // floors: allow now: the stamp of a start-up line, no request waits for it
One that excuses nothing is itself an error.
"""
import pathlib
import re
import sys
from dataclasses import dataclass

# A file may include lower floors only: no sideways, no up.
FLOORS = {
    "root": 0, "token": 1, "limit": 1, "observe": 1, "clerk": 2, "policy": 3, "http": 4, "config": 4,
    "net": 5, "redis": 6, "keys": 6, "clerk_api": 6, "upstream": 6, "edge": 7, "app": 8,
}
# What the numbers alone would get wrong.
SIDEWAYS = {("config", "http"): "what the operator asked for is said in http's own words: names, sizes, pages"}
WALLS = {
    ("edge", "keys"): "the front door is given a KeySet; it never knows where keys come from",
    ("edge", "redis"): "the front door is given a Limiter; it never knows where counts live",
    ("upstream", "keys"): "neighbours do not know each other",
}
PURE = {folder for folder, floor in FLOORS.items() if floor <= 4}
IO = {"net", "redis", "keys", "clerk_api", "upstream", "edge", "app"}


@dataclass(frozen=True)
class Library:
    name: str
    pattern: str       # of the include
    folders: frozenset  # that own it
    headers: frozenset  # folders whose headers may show it too
    reason: str
    files: str          # of the folder: which ones


def library(name, pattern, folders, reason, headers=(), files=""):
    return Library(name, pattern, frozenset(folders), frozenset(headers), reason, files)


LIBRARIES = [
    # redis and limit: one digest each (a script's name, a key's), without anything to own.
    library("openssl", r"openssl/", {"token", "limit", "clerk", "http", "net", "redis"},
            "one folder per use of a C library with manual ownership; its types stay out of headers"),
    library("asio-ssl", r"boost/asio/ssl|boost/beast/(ssl|core/ssl)", {"root", "net"},
            "TLS enters only through net::Stream (the root compiles the library once)", headers={"net"}),
    library("boost-json", r"boost/json", {"token"},
            "it keeps the last of two equal keys silently; only the folder that checks for them may parse"),
    library("boost-url", r"boost/url", {"config"},
            "it normalises `%2f%2fevil` into `//evil`: never on the path of a request"),
    library("yaml-cpp", r"yaml-cpp/", {"config"}, "the shape of YAML is known to the loader alone"),
    library("hiredis", r"hiredis/", {"redis"}, "its bytes are read by the wire file alone",
            files=r"wire\w*\.cpp"),
    library("beast-http", r"boost/beast/http", {"http", "keys", "clerk_api", "upstream", "edge"},
            "message and field types belong to those who read heads", headers={"http"}),
    library("beast-stream", r"boost/beast(\.hpp|/core\.hpp|/core/\w*stream|/websocket)", IO,
            "streams cost seconds per translation unit and hide waits: a .cpp that does I/O, never a header"),
    library("asio", r"boost/asio", IO | {"root"}, "pure floors do no I/O", headers=IO | {"root"}),
    library("awaitable", r"orggate/awaitable\.hpp", IO | {"limit"},
            "below floor 5 only the limiter's port may wait", headers=IO | {"limit"}),
]


@dataclass(frozen=True)
class Ban:
    name: str
    pattern: str
    allowed: frozenset
    reason: str


def ban(name, pattern, reason, allowed=()):
    return Ban(name, pattern, frozenset(allowed), reason)


BANS = [
    ban("now", r"::now\s*\(", "time is a value passed down; tests choose it", IO),
    ban("getenv", r"\b(secure_)?getenv\s*\(", "the environment is read once, where the program is wired", {"app"}),
    ban("rand", r"\b(s?rand|drand48|rand_r)\s*\(|\bstd::(mt19937|random_device|default_random_engine)",
        "randomness is an argument: testable, and unguessable where it matters", {"app"}),
    ban("sleep", r"\b(u|nano)?sleep\s*\(|\bsleep_(for|until)\b", "a sleeping thread serves nobody; wait on a timer"),
    ban("cout", r"\bstd::(cout|cerr|clog)\b|\b(f?printf|puts)\s*\(",
        "one thread writes the log; a stalled stdout must not stall a worker", {"app"}),
    ban("detach", r"\.detach\s*\(", "a thread nobody joins outlives what it uses"),
    ban("using-namespace", r"\busing\s+namespace\s+(?!std::(\w+_)?literals\b)", "a reader must see where a name comes from"),
    ban("regex", r"#\s*include\s*<regex>|\bstd::regex\b", "it backtracks; hostile input chooses how long"),
    ban("iostream", r"#\s*include\s*<iostream>", "static initialisers and locale in every object file", {"app"}),
    ban("any-executor", r"\bany_io_executor\b", "type erasure costs an allocation and two virtual calls per wait"),
    ban("unfinished", r"\b(TODO|FIXME|XXX)\b", "no unfinished mark is merged"),
]
BRACES = "co-await-braces"
BRACES_REASON = "g++ 12 destroys aggregate and lambda temporaries of an awaited expression twice: name the value first"

ALLOW = re.compile(r"//\s*floors: allow ([\w-]+)(:\s*(\S.*))?")
INCLUDE = re.compile(r'\s*#\s*include\s*([<"])([^>"]+)[>"]')
# Comments, then strings and characters; digit separators are not quotes.
NOISE = re.compile(r'//[^\n]*|/\*.*?\*/|R"(\w*)\(.*?\)\1"|"(?:\\.|[^"\\\n])*"|(?<![0-9A-Fa-f])\'(?:\\.|[^\'\\\n])+\'', re.S)


def blank(match):
    """Same length and lines, so that positions stay true; an include keeps its quotes elsewhere."""
    return re.sub(r"[^\n]", " ", match.group())


def folder_of(path):
    """src/token/x.cpp, include/orggate/token/x.hpp: token; src/x.cpp, include/orggate/x.hpp: root."""
    parts = path.parts[1:] if path.parts[0] == "src" else path.parts[2:]
    return parts[0] if len(parts) > 1 else "root"


def target_folder(header):
    parts = header.removeprefix("orggate/").split("/")
    return parts[0] if len(parts) > 1 else "root"


def check_include(path, folder, bracket, header):
    is_header = path.suffix == ".hpp"
    for lib in LIBRARIES:
        if re.match(lib.pattern, header):
            if folder not in lib.folders:
                yield lib.name, f"{header} does not belong in {folder}: {lib.reason}"
            elif lib.files and not re.fullmatch(lib.files, path.name):
                yield lib.name, f"{header} does not belong in {path.name}: {lib.reason}"
            elif is_header and folder not in lib.headers:
                yield lib.name, f"{header} does not belong in a header: {lib.reason}"
    if bracket == "<":
        return
    other = target_folder(header)
    if other not in FLOORS:
        yield "include", f"{header}: no such folder"
        return
    if not header.startswith("orggate/"):
        if path.parts[0] == "include":
            yield "private", f"{header} is private: a contract includes contracts only"
        elif other != folder:
            yield "private", f"{header} is private to {other}"
    if other == folder:
        return
    if (folder, other) in WALLS:
        yield "wall", f"{folder} may not include {other}: {WALLS[folder, other]}"
    elif FLOORS[other] >= FLOORS[folder] and (folder, other) not in SIDEWAYS:
        yield "floor", f"{folder} (floor {FLOORS[folder]}) may not include {other} (floor {FLOORS[other]})"


def awaited_braces(code):
    """Offsets of co_await expressions that hold a brace (a lambda has one too)."""
    for match in re.finditer(r"\bco_await\b", code):
        depth = 0
        for character in code[match.end():]:
            if character == "{":
                yield match.start()
            if character in "{;":
                break
            depth += (character in "([") - (character in ")]")
            if depth < 0:
                break


def check_text(path, text):
    """Yields (line, rule, message), exceptions already taken into account."""
    folder = folder_of(path)
    if folder not in FLOORS:
        yield 1, "folder", f"{folder} stands on no floor"
        return
    lines, code = text.split("\n"), NOISE.sub(blank, text)
    found = []
    for number, line in enumerate(lines, 1):
        match = INCLUDE.match(line)
        if match:
            found += [(number, *problem) for problem in check_include(path, folder, *match.groups())]
    for rule in BANS:
        # Unfinished marks stand in comments, so that rule alone reads the raw text.
        source = text if rule.name == "unfinished" else code
        if folder not in rule.allowed:
            found += [(source.count("\n", 0, m.start()) + 1, rule.name, f"{m.group().strip()}: {rule.reason}")
                      for m in re.finditer(rule.pattern, source)]
    found += [(code.count("\n", 0, at) + 1, BRACES, f"brace inside co_await: {BRACES_REASON}")
              for at in awaited_braces(code)]

    allows = {n: m for n, line in enumerate(lines, 1) if (m := ALLOW.search(line))}
    used = set()
    for number, rule, message in found:
        excuse = next((n for n in (number, number - 1) if n in allows and allows[n].group(1) == rule), None)
        if excuse is None:
            yield number, rule, message
        else:
            used.add(excuse)
    for number, match in allows.items():
        if not match.group(3):
            yield number, "allow", "an exception needs its reason"
        elif number not in used:
            yield number, "allow", f"this exception from {match.group(1)} excuses nothing"


def check_tree(root):
    count = 0
    for top in ("src", "include/orggate"):
        for file in sorted((root / top).rglob("*.[ch]pp")):
            path = file.relative_to(root)
            for line, rule, message in check_text(path, file.read_text()):
                print(f"{path}:{line}: [{rule}] {message}")
                count += 1
    return count


# (where, text, the rule that must speak; None: silence)
SNIPPETS = [
    ("src/token/a.cpp", '#include "orggate/clerk/cookies.hpp"', "floor"),
    ("src/clerk/a.cpp", '#include "orggate/token/session.hpp"', None),
    ("src/limit/a.cpp", '#include "orggate/token/session.hpp"', "floor"),
    ("src/config/a.cpp", '#include "orggate/http/target.hpp"', None),
    ("src/http/a.cpp", '#include "orggate/config/config.hpp"', "floor"),
    ("src/edge/a.cpp", '#include "orggate/keys/feed.hpp"', "wall"),
    ("src/edge/a.cpp", '#include "orggate/redis/limiter.hpp"', "wall"),
    ("src/edge/a.cpp", '#include "orggate/app/worker.hpp"', "floor"),
    ("src/keys/a.cpp", '#include "orggate/upstream/pool.hpp"', "floor"),
    ("src/policy/a.cpp", '#include "token/signature.hpp"', "private"),
    ("src/token/a.cpp", '#include "token/signature.hpp"', None),
    ("include/orggate/token/a.hpp", '#include "token/signature.hpp"', "private"),
    ("src/edge/a.cpp", '#include "util/strings.hpp"', "include"),
    ("src/util/a.cpp", "int x;", "folder"),
    ("src/policy/a.cpp", "#include <openssl/evp.h>", "openssl"),
    ("include/orggate/token/a.hpp", "#include <openssl/evp.h>", "openssl"),
    ("src/token/a.cpp", "#include <openssl/evp.h>", None),
    ("src/edge/a.cpp", "#include <boost/asio/ssl.hpp>", "asio-ssl"),
    ("src/clerk/a.cpp", "#include <boost/json.hpp>", "boost-json"),
    ("src/http/a.cpp", "#include <boost/url.hpp>", "boost-url"),
    ("src/app/a.cpp", "#include <yaml-cpp/yaml.h>", "yaml-cpp"),
    ("src/limit/a.cpp", "#include <hiredis/hiredis.h>", "hiredis"),
    ("src/redis/node.cpp", "#include <hiredis/hiredis.h>", "hiredis"),
    ("src/redis/wire.hpp", "#include <hiredis/hiredis.h>", "hiredis"),
    ("src/redis/wire.cpp", "#include <hiredis/hiredis.h>", None),
    ("src/policy/a.cpp", "#include <boost/beast/http/fields.hpp>", "beast-http"),
    ("src/http/a.cpp", "#include <boost/beast/http/basic_parser.hpp>", None),
    ("src/http/a.cpp", "#include <boost/beast/core/tcp_stream.hpp>", "beast-stream"),
    ("src/edge/a.hpp", "#include <boost/beast/websocket.hpp>", "beast-stream"),
    ("src/policy/a.cpp", "#include <boost/asio/steady_timer.hpp>", "asio"),
    ("src/policy/a.cpp", '#include "orggate/awaitable.hpp"', "awaitable"),
    ("include/orggate/limit/a.hpp", '#include "orggate/awaitable.hpp"', None),
    ("src/limit/a.cpp", "auto t = std::chrono::steady_clock::now();", "now"),
    ("src/net/a.cpp", "auto t = std::chrono::steady_clock::now();", None),
    ("src/limit/a.cpp", "// steady_clock::now() is the caller's", None),
    ("src/limit/a.cpp", "auto t = C::now(); // floors: allow now: the reason", None),
    ("src/limit/a.cpp", "// floors: allow now: the reason\nauto t = C::now();", None),
    ("src/limit/a.cpp", "auto t = C::now(); // floors: allow now", "allow"),
    ("src/limit/a.cpp", "auto t = C::now(); // floors: allow sleep: wrong one", "now"),
    ("src/limit/a.cpp", "int x; // floors: allow now: stale", "allow"),
    ("src/net/a.cpp", 'auto v = std::getenv("HOME");', "getenv"),
    ("src/app/a.cpp", 'auto v = std::getenv("HOME");', None),
    ("src/keys/a.cpp", "int r = rand();", "rand"),
    ("src/keys/a.cpp", "std::mt19937 engine;", "rand"),
    ("src/keys/a.cpp", "strand(executor); station.random();", None),
    ("src/app/a.cpp", "std::this_thread::sleep_for(1s);", "sleep"),
    ("src/app/a.cpp", "usleep(5);", "sleep"),
    ("src/edge/a.cpp", 'std::cout << "x";', "cout"),
    ("src/edge/a.cpp", 'printf("x");', "cout"),
    ("src/edge/a.cpp", 'snprintf(b, n, "x");', None),
    ("src/app/a.cpp", "thread.detach();", "detach"),
    ("src/app/a.cpp", "co_spawn(io, run(), asio::detached);", None),
    ("src/http/a.cpp", "using namespace std;", "using-namespace"),
    ("src/http/a.cpp", "using namespace std::chrono_literals;", None),
    ("src/http/a.cpp", "#include <regex>", "regex"),
    ("src/http/a.cpp", "#include <iostream>", "iostream"),
    ("src/edge/a.cpp", "asio::any_io_executor e;", "any-executor"),
    ("src/edge/a.cpp", "// TO" + "DO: later", "unfinished"),
    ("src/edge/a.cpp", "co_await send(Request{1, 2});", BRACES),
    ("src/edge/a.cpp", "co_await send({1, 2});", BRACES),
    ("src/edge/a.cpp", "auto x = co_await run([&] { return 1; });", BRACES),
    ("src/edge/a.cpp", "co_await f<A, B>(X{});", BRACES),
    ("src/edge/a.cpp", "if (auto x = co_await f(a); !x) { return; }", None),
    ("src/edge/a.cpp", "if (co_await f(a)) { g(); }", None),
    ("src/edge/a.cpp", "while (co_await f(a[1], b)) { g(); }", None),
    ("src/edge/a.cpp", "co_await g(h(\n    Thing{}));", BRACES),
    ("src/edge/a.cpp", "// co_await f({1});", None),
    ("src/edge/a.cpp", 'co_await f("{");', None),
    ("src/edge/a.cpp", "long x = 1'000'000; co_await f({x}); char c = 'a';", BRACES),
]


def self_test():
    failed = 0
    for where, text, wanted in SNIPPETS:
        rules = {rule for _, rule, _ in check_text(pathlib.PurePosixPath(where), text)}
        if (wanted not in rules) if wanted else rules:
            print(f"self-test: {where}: {text!r}: wanted {wanted}, got {sorted(rules) or 'silence'}")
            failed += 1
    rules = {rule.name for rule in LIBRARIES + BANS} | {BRACES, "floor", "wall", "private", "include", "folder", "allow"}
    for rule in sorted(rules - {wanted for *_, wanted in SNIPPETS}):
        print(f"self-test: no snippet breaks the rule {rule}")
        failed += 1
    print(f"floors self-test: {len(SNIPPETS) - failed} passed, {failed} failed")
    return failed


def main(arguments):
    if self_test():
        return 1
    if arguments == ["--self-test"]:
        return 0
    root = pathlib.Path(arguments[0]) if arguments else pathlib.Path(__file__).resolve().parent.parent
    problems = check_tree(root)
    print(f"floors: {'1 passed, 0 failed' if problems == 0 else f'0 passed, {problems} failed'}")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
