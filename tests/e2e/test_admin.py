"""What operators ask and tell a running gate: tenants, limits, the admin listener, a fleet of two."""
import json
import os
import socket
import stat
import subprocess
import threading
import time
import unittest

from common import Case, shared_clerk, token
from harness.client import Connection, bearer, compose
from harness.gate import Gate
from harness.process import PATIENCE, SANITIZER, Scratch, binary, wait_for
from harness.redis import RIGHTS, Redis
from harness.upstreams import respond

BINARY = binary("ORGGATE_BIN", "build/debug/orggate")
PROMISED = 1 if not SANITIZER else 10  # seconds until a change is in force
TOKEN = "admin-token-0123456789abcdef"

BASE = {
    "limits": {"api": {"rate": "5/1m"}, "slow": {"rate": "2/1m"}},
    "default": {"access": "org", "limits": ["api"]},
    "routes": [{"name": "slow", "paths": ["/slow"], "access": "org", "limits": ["slow"]}],
}


class UnixConnection(Connection):
    def __init__(self, path):
        self.patience, self.buffer, self.eof = PATIENCE, b"", False
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.settimeout(PATIENCE)
        self.socket.connect(str(path))


def run(gate, *arguments):
    """`orggate` beside the gate, which it finds by its address file."""
    return subprocess.run([BINARY, *arguments, "--address-file", gate.address_file], capture_output=True, text=True,
                          timeout=PATIENCE, env={k: v for k, v in os.environ.items() if not k.startswith("ORGGATE_")})


class AdminCase(Case):
    def setUp(self):
        self.scratch = Scratch()
        self.addCleanup(self.scratch.close)
        self.sockets = 0

    def start(self, app, changes=None, **options):
        self.sockets += 1
        changes = {**BASE, "admin": f"unix:{self.scratch.path}/admin{self.sockets}.sock", **(changes or {})}
        return self.start_gate(app.url, changes, **options)

    def start_redis(self, **options):
        redis = Redis(**options)
        self.addCleanup(redis.close)
        return redis

    def told(self, gate, *arguments):
        done = run(gate, *arguments)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr + gate.process.output()[-2000:])
        return done.stdout

    def statuses(self, gate, count, target="/x", **fields):
        return [gate.ask(target=target, token=token(**fields)).status for _ in range(count)]

    def in_force(self, condition, what):
        """Within a second of now."""
        began = time.monotonic()
        wait_for(condition, what)
        self.assertLess(time.monotonic() - began, PROMISED, what)


class WithoutRedis(AdminCase):
    def test_a_tenant_is_set_listed_and_cleared_in_this_process(self):
        gate = self.start(self.start_app())
        self.assertEqual(self.statuses(gate, 6, org="org_a"), [200] * 5 + [429])
        said = self.told(gate, "tenant", "set", "org_a", "--bypass", "all", "--reason", "load $HOME & test")
        self.assertIn("in this process", said)
        self.in_force(lambda: self.statuses(gate, 1, org="org_a") == [200], "the bypass")
        listed = json.loads(self.told(gate, "tenant", "list", "--json"))["tenants"]["org_a"]
        self.assertEqual((listed["source"], listed["in_force"]), ("process", True))
        self.assertEqual(listed["settings"], {"bypass": "all", "reason": "load $HOME & test"})
        self.assertIn("org_a", self.told(gate, "tenant", "list"))
        self.told(gate, "tenant", "clear", "org_a")
        self.in_force(lambda: self.statuses(gate, 1, org="org_a") == [429], "the limit again")
        self.assertIn("nothing was set", self.told(gate, "tenant", "clear", "org_a"))

    def test_a_tenants_own_rate_and_its_end(self):
        over = {"org_over": {"limits": {"api": "8/1m"}, "until": "2001-01-01T00:00:00Z"}}
        gate = self.start(self.start_app(), {"tenants": over})
        self.assertIn("this time is over", gate.process.output())
        self.told(gate, "tenant", "set", "org_big", "--limit", "api=8/1m", "--until", "2199-01-01T00:00:00Z")
        wait_for(lambda: gate.metrics()['orggate_tenants{source="process"}'] == 1, "it")
        self.assertEqual(self.statuses(gate, 9, org="org_big"), [200] * 8 + [429])
        self.assertEqual(self.statuses(gate, 6, org="org_over"), [200] * 5 + [429])
        self.assertIn("its time is over", self.told(gate, "tenant", "list"))

    def test_limits_are_shown_and_reset(self):
        gate = self.start(self.start_app())
        self.assertEqual(self.statuses(gate, 3, org="org_a"), [200] * 3)
        answer = json.loads(self.told(gate, "limit", "show", "--org", "org_a", "--json"))
        self.assertEqual(answer["from"], "process")
        rows = {row["limit"]: row for row in answer["limits"]}
        self.assertEqual((rows["api"]["used"], rows["api"]["remaining"]), (3, 2))
        self.assertTrue(0 < rows["api"]["next_unit_seconds"] <= 60)
        self.assertEqual((rows["slow"]["used"], rows["slow"]["remaining"]), (0, 2))
        self.assertIn("3 of 5 used", self.told(gate, "limit", "show", "--org", "org_a", "--limit", "api"))
        self.statuses(gate, 5, org="org_a")
        denied = json.loads(self.told(gate, "limit", "denied", "--json"))["denied"]
        self.assertEqual([(d["subject"], d["limit"], d["times"]) for d in denied], [("org_a", "api", 3)])
        self.told(gate, "limit", "reset", "--org", "org_a")
        self.assertEqual(self.statuses(gate, 6, org="org_a"), [200] * 5 + [429])

    def test_mistakes_are_answered_in_words(self):
        gate = self.start(self.start_app())
        rows = [
            (1, "organisation id", ["tenant", "set", "acme", "--blocked"]),
            (1, "limit", ["tenant", "set", "org_a", "--limit", "none=1/1m"]),
            (1, "none", ["tenant", "set", "org_a", "--bypass", "api,none"]),
            (1, "api", ["tenant", "set", "org_a", "--limit", "api=many"]),
            (1, "until", ["tenant", "set", "org_a", "--blocked", "--until", "tomorrow"]),
            (1, "over already", ["tenant", "set", "org_a", "--blocked", "--until", "2001-01-01T00:00:00Z"]),
            (1, "limit", ["limit", "show", "--org", "org_a", "--limit", "none"]),
            (1, "ip", ["limit", "show", "--ip", "somewhere"]),
            (1, "within", ["limit", "denied", "--within", "long"]),
            (2, "tenant", ["tenant", "forget"]),
            (2, "expected", ["limit", "show"]),
        ]
        for code, word, arguments in rows:
            with self.subTest(arguments):
                done = run(gate, *arguments)
                self.assertEqual((done.returncode, done.stdout), (code, ""), done.stderr)
                self.assertIn(word, done.stderr)
        self.assertEqual(json.loads(self.told(gate, "tenant", "list", "--json")), {"tenants": {}})

    def test_without_a_process_there_is_nobody_to_ask(self):
        gate = self.start(self.start_app())
        copy = self.scratch.write("address", gate.address_file.read_text())
        gate.process.stop()
        for file in (copy, self.scratch.path / "absent"):
            done = subprocess.run([BINARY, "tenant", "list", "--address-file", file], capture_output=True, text=True)
            self.assertEqual(done.returncode, 1)
            self.assertTrue(done.stderr)


class Listener(AdminCase):
    def ask(self, connection, method="GET", target="/tenants", headers=None, body=b""):
        with connection:
            return connection.ask(method, target, {"Host": "localhost", **(headers or {})}, body)

    def test_the_socket_is_its_owners_alone_and_goes_with_the_process(self):
        gate = self.start(self.start_app())
        path = gate.addresses["admin"].removeprefix("unix:")
        self.assertEqual(stat.S_IMODE(os.stat(path).st_mode), 0o600)
        self.assertEqual(self.ask(UnixConnection(path)).status, 200)
        gate.process.stop()
        self.assertFalse(os.path.exists(path))

    def test_requests_that_are_none(self):
        gate = self.start(self.start_app())
        path = gate.addresses["admin"].removeprefix("unix:")
        rows = [
            ("another path", 404, "GET", "/", b""),
            ("another method", 404, "PUT", "/tenants", b""),
            ("a method the path does not have", 405, "GET", "/tenants/org_a", b""),
            ("a reset by GET", 404, "GET", "/limits/reset?org=org_a", b""),
            ("a body", 400, "POST", "/tenants/org_a?blocked=true", b"x"),
            ("an unknown parameter", 400, "POST", "/tenants/org_a?blokked=true", b""),
            ("twice", 400, "POST", "/tenants/org_a?blocked=true&blocked=true", b""),
            ("a broken escape", 400, "POST", "/tenants/org_a?reason=%zz&blocked=true", b""),
            ("a line feed", 400, "POST", "/tenants/org_a?reason=%0A&blocked=true", b""),
            ("a long value", 400, "POST", "/tenants/org_a?blocked=true&reason=" + "x" * 1025, b""),
            ("no organisation", 400, "POST", "/tenants/?blocked=true", b""),
            ("a path in the id", 400, "POST", "/tenants/org_a%2Fclear?blocked=true", b""),
            ("nothing said", 400, "POST", "/tenants/org_a", b""),
            ("nobody asked about", 400, "GET", "/limits", b""),
        ]
        for name, status, method, target, body in rows:
            with self.subTest(name):
                answer = self.ask(UnixConnection(path), method, target, body=body)
                self.assertEqual(answer.status, status, answer.raw)
        self.assertEqual(json.loads(self.ask(UnixConnection(path)).body), {"tenants": {}})

    def test_over_tcp_a_token_and_a_loopback_host_are_needed(self):
        file = self.scratch.write("token", TOKEN + "\n")
        file.chmod(0o600)
        gate = self.start(self.start_app(), {"admin": "127.0.0.1:0", "admin_token_file": str(file)})
        port = Gate.port_of(gate.addresses["admin"])
        good = {"Host": f"127.0.0.1:{port}", "Authorization": f"Bearer {TOKEN}"}
        rows = [
            ("good", 200, good),
            ("a name", 200, {**good, "Host": "localhost"}),
            ("no token", 401, {**good, "Authorization": None}),
            ("another token", 401, {**good, "Authorization": f"Bearer {TOKEN[:-1]}0"}),
            ("a name that was made to point here", 421, {**good, "Host": f"evil.example:{port}"}),
            ("that and no token", 421, {"Host": "evil.example"}),
        ]
        for name, status, headers in rows:
            with self.subTest(name):
                self.assertEqual(self.ask(Connection(port), headers=headers).status, status)
        self.told(gate, "tenant", "list", "--admin-token-file", str(file))
        self.assertEqual(run(gate, "tenant", "list").returncode, 1)
        for text in (gate.process.output(), gate.address_file.read_text()):
            self.assertNotIn(TOKEN, text)

    def test_a_socket_that_cannot_be_made_is_fatal_where_it_was_asked_for(self):
        config = {"version": 1, "listen": "127.0.0.1:0", "upstream": "http://127.0.0.1:9",
                  "clerk": shared_clerk().config(), **BASE, "admin": f"unix:{self.scratch.path}/no/such/folder/x.sock"}
        file = self.scratch.write("orggate.yaml", json.dumps(config))
        done = subprocess.run([BINARY, "run", "--config", file, "--address-file", self.scratch.path / "address"],
                              capture_output=True, text=True, timeout=PATIENCE)
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn("admin", done.stderr)


    def test_silent_connections_keep_no_probe_out(self):
        gate = self.start(self.start_app())
        silent = [Connection(gate.telemetry_port) for _ in range(200)]
        try:
            self.assertEqual(gate.telemetry("/healthz").status, 200)
            self.assertEqual(gate.telemetry("/metrics").status, 200)
        finally:
            for connection in silent:
                connection.close()


class TenantsFile(AdminCase):
    def start_with(self, content, **options):
        self.file = self.scratch.write("tenants.yaml", content)
        return self.start(self.start_app(), {"tenants_file": str(self.file)}, **options)

    def test_a_change_is_in_force_within_a_second_and_the_difference_is_logged(self):
        gate = self.start_with("tenants: { org_a: { blocked: true } }\n")
        self.check_refusal(gate.ask(token=token(org="org_a")), 403, "blocked")
        self.assertEqual(gate.metrics()["orggate_tenants_file_good"], 1)
        self.file.write_text("tenants: { org_b: { blocked: true }, org_c: { bypass: all } }\n")
        self.in_force(lambda: gate.ask(token=token(org="org_b")).status == 403, "the new one")
        self.assertEqual(gate.ask(token=token(org="org_a")).status, 200)
        self.assertEqual(gate.metrics()['orggate_tenants{source="file"}'], 2)
        line = wait_for(lambda: next((json.loads(text) for text in gate.process.output().splitlines()
                                      if '"tenants changed"' in text), None), "the log line")
        self.assertEqual((line["source"], line["added"], line["changed"], line["removed"]), ("file", 2, 0, 1))
        self.assertRegex(line["hash"], r"^[0-9a-f]{16}$")

    def test_a_swapped_link_is_seen(self):
        # As a mounted config map changes: the link to the folder is replaced, the file's path stays.
        for name, state in (("one", "true"), ("two", "false")):
            folder = self.scratch.path / name
            folder.mkdir()
            (folder / "tenants.yaml").write_text("tenants: { org_a: { blocked: %s } }\n" % state)
        link = self.scratch.path / "current"
        link.symlink_to("one")
        gate = self.start(self.start_app(), {"tenants_file": str(link / "tenants.yaml")})
        self.assertEqual(gate.ask(token=token(org="org_a")).status, 403)
        (self.scratch.path / "next").symlink_to("two")
        (self.scratch.path / "next").rename(link)
        self.in_force(lambda: gate.ask(token=token(org="org_a")).status == 200, "the swap")

    def test_a_bad_file_keeps_the_last_good_list_and_says_where_it_is_wrong(self):
        gate = self.start_with("tenants: { org_a: { blocked: true } }\n")
        self.file.write_text("tenants:\n  org_a: { blocked: false }\n  org_b: { bypass: [none] }\n")
        wait_for(lambda: gate.metrics()["orggate_tenants_file_good"] == 0, "the metric")
        self.assertEqual(gate.ask(token=token(org="org_a")).status, 403)
        self.assertRegex(gate.process.output(), r"tenants\.yaml:3:\d+: ")
        self.file.unlink()
        wait_for(lambda: "cannot read the tenants file" in gate.process.output(), "the log")
        self.assertEqual(gate.ask(token=token(org="org_a")).status, 403)
        self.file.write_text("tenants: { org_b: { blocked: true } }\n")
        self.in_force(lambda: gate.ask(token=token(org="org_b")).status == 403, "the mended one")
        self.assertEqual(gate.metrics()["orggate_tenants_file_good"], 1)

    def test_a_file_that_is_bad_or_absent_at_start_is_an_error(self):
        for content, word in (("tenants: { acme: { blocked: true } }\n", "tenants.yaml:1:"), (None, "tenants.yaml")):
            with self.subTest(word):
                file = self.scratch.path / "tenants.yaml"
                file.write_text(content) if content else file.unlink()
                config = {"version": 1, "listen": "127.0.0.1:0", "upstream": "http://127.0.0.1:9",
                          "clerk": shared_clerk().config(), **BASE, "tenants_file": str(file)}
                path = self.scratch.write("orggate.yaml", json.dumps(config))
                for command in ("check", "run"):
                    done = subprocess.run([BINARY, command, "--config", path], capture_output=True, text=True,
                                          timeout=PATIENCE)
                    self.assertEqual(done.returncode, 1, done.stderr)
                    self.assertIn(word, done.stderr)


class Fleet(AdminCase):
    def start_two(self, changes=None, **redis_options):
        self.redis = self.start_redis(**redis_options)
        app = self.start_app()
        section = {"redis": self.redis.config(), **(changes or {})}
        gates = [self.start(app, section), self.start(app, section)]
        for gate in gates:
            wait_for(lambda: gate.metrics()["orggate_redis_up"] == 1, "Redis")
        wait_for(lambda: all(g.metrics()["orggate_fleet_processes"] == 2 for g in gates), "both to be counted")
        return gates

    def test_a_tenant_is_set_and_cleared_in_both_within_a_second(self):
        one, other = self.start_two()
        self.assertEqual([g.metrics()["orggate_fleet_workers"] for g in (one, other)], [4, 4])
        said = self.told(one, "tenant", "set", "org_a", "--blocked", "--reason", "ticket 812")
        self.assertIn("whole fleet", said)
        self.in_force(lambda: all(g.ask(token=token(org="org_a")).status == 403 for g in (one, other)), "the block")
        listed = json.loads(self.told(other, "tenant", "list", "--json"))["tenants"]["org_a"]
        self.assertEqual(listed["source"], "fleet")
        self.assertEqual(listed["settings"], {"blocked": True, "reason": "ticket 812"})
        self.told(other, "tenant", "clear", "org_a")
        self.in_force(lambda: all(g.ask(token=token(org="org_a")).status != 403 for g in (one, other)), "the end")

    def test_a_process_that_starts_later_knows_what_was_set(self):
        one, _ = self.start_two()
        self.told(one, "tenant", "set", "org_a", "--blocked")
        third = self.start(self.start_app(), {"redis": self.redis.config()})
        self.in_force(lambda: third.ask(token=token(org="org_a")).status == 403, "the block")

    def test_blocking_closes_a_websocket_in_every_process(self):
        def echo(peer, head):
            peer.send(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                      b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n")
            while peer.fill():
                pass
        self.redis = self.start_redis()
        app = self.start_app()
        app.on("/ws", echo)
        one, other = (self.start(app, {"redis": self.redis.config()}) for _ in range(2))
        wait_for(lambda: one.metrics()["orggate_redis_up"] == 1 == other.metrics()["orggate_redis_up"], "Redis")
        fields = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13",
                  "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="}
        for gate, setter in ((one, one), (other, one)):
            org = f"org_ws{gate.port}"
            with gate.connect() as connection, gate.connect() as stranger:
                connection.send(compose("GET", "/ws", {**fields, **bearer(token(org=org))}))
                self.assertEqual(connection.read_any().status, 101)
                stranger.send(compose("GET", "/ws", {**fields, **bearer(token(org="org_stays"))}))
                self.assertEqual(stranger.read_any().status, 101)
                self.told(setter, "tenant", "set", org, "--blocked")
                began = time.monotonic()
                connection.read_to_end()
                self.assertLess(time.monotonic() - began, PROMISED)
                stranger.socket.settimeout(0.2)
                with self.assertRaises(TimeoutError):
                    stranger.fill()

    def test_a_reset_empties_the_deny_caches_of_both(self):
        one, other = self.start_two()
        self.assertEqual(self.statuses(one, 6, org="org_a"), [200] * 5 + [429])
        self.assertEqual(self.statuses(other, 3, org="org_a"), [429] * 3)
        shown = json.loads(self.told(other, "limit", "show", "--org", "org_a", "--limit", "api", "--json"))
        self.assertEqual((shown["from"], shown["limits"][0]["used"], shown["limits"][0]["remaining"]), ("redis", 5, 0))
        self.told(one, "limit", "reset", "--org", "org_a", "--limit", "api")
        self.in_force(lambda: self.statuses(other, 1, org="org_a") == [200], "the reset in the other process")
        self.assertEqual(self.statuses(one, 5, org="org_a"), [200] * 4 + [429])

    def test_a_reset_leaves_permits_that_are_held(self):
        app = self.start_app()
        held, gate_opens = threading.Event(), threading.Event()

        def hold(peer, head):
            held.set()
            gate_opens.wait(PATIENCE)
            respond(peer, "done")
            return True
        app.on("/held", hold)
        redis = self.start_redis()
        gate = self.start(app, {"redis": redis.config(deadline="250ms"),
                                "limits": {"api": {"rate": "50/1m", "concurrent": 1}}, "routes": []})
        credential = token(org="org_held")
        first = threading.Thread(target=gate.ask, kwargs={"target": "/held", "token": credential})
        first.start()
        try:
            self.assertTrue(held.wait(PATIENCE))
            self.assertEqual(gate.ask(target="/x", token=credential).status, 429)
            self.told(gate, "limit", "reset", "--org", "org_held")
            self.assertEqual(gate.ask(target="/x", token=credential).status, 429)
        finally:
            gate_opens.set()
            first.join()
        self.in_force(lambda: gate.ask(target="/x", token=credential).status == 200, "the permit to come back")

    def test_what_one_limit_forgets_another_keeps(self):
        one, _ = self.start_two()
        self.statuses(one, 2, "/slow", org="org_a")
        self.statuses(one, 5, org="org_a")
        self.told(one, "limit", "reset", "--org", "org_a", "--limit", "api")
        rows = json.loads(self.told(one, "limit", "show", "--org", "org_a", "--json"))["limits"]
        self.assertEqual({row["limit"]: row["used"] for row in rows}, {"api": 0, "slow": 2})

    def test_without_redis_at_start_it_serves_and_joins_later(self):
        self.redis = self.start_redis()
        section = {"redis": self.redis.config()}
        self.redis.end()
        began = time.monotonic()
        gate = self.start(self.start_app(), section).wait_until_ready()
        self.check_allowed(gate.ask(token=token(org="org_a")))
        self.assertLess(time.monotonic() - began, 10)
        self.assertEqual(gate.metrics()["orggate_redis_up"], 0)
        self.assertIn("redis: away", gate.telemetry("/readyz?verbose").body.decode())
        done = run(gate, "tenant", "set", "org_a", "--blocked")
        self.assertEqual(done.returncode, 1)
        self.assertIn("Redis", done.stderr)
        shown = json.loads(self.told(gate, "limit", "show", "--org", "org_a", "--json"))
        self.assertEqual((shown["from"], shown["redis"], shown["share"]), ("process", "away", 1))
        self.assertIn("refused", gate.telemetry("/readyz?verbose").body.decode())
        self.redis.start()
        wait_for(lambda: gate.metrics()["orggate_redis_up"] == 1, "Redis")
        self.told(gate, "tenant", "set", "org_a", "--blocked")
        self.in_force(lambda: gate.ask(token=token(org="org_a")).status == 403, "the block")

    def test_tenants_stay_while_redis_is_away(self):
        one, other = self.start_two()
        self.told(one, "tenant", "set", "org_a", "--blocked")
        self.in_force(lambda: other.ask(token=token(org="org_a")).status == 403, "the block")
        self.redis.freeze()
        try:
            wait_for(lambda: other.metrics()["orggate_redis_up"] == 0, "Redis to be missed")
            self.assertEqual(other.ask(token=token(org="org_a")).status, 403)
            self.assertEqual(other.metrics()["orggate_fleet_processes"], 2)
        finally:
            self.redis.thaw()

    def test_while_redis_is_away_limits_are_shown_as_this_process_holds_them(self):
        one, _ = self.start_two({"limits": {"api": {"rate": "10/1m"}, "slow": {"rate": "2/1m"}}})
        self.redis.freeze()
        try:
            wait_for(lambda: one.metrics()["orggate_redis_up"] == 0, "Redis to be missed")
            wait_for(lambda: 429 in self.statuses(one, 6, org="org_a"), "the fallback's limit")
            shown = self.told(one, "limit", "show", "--org", "org_a", "--limit", "api")
            self.assertIn("redis is away: this process holds 1/2", shown)
            self.assertIn("5 of 5 used, 0 left", shown)
        finally:
            self.redis.thaw()

    def test_what_redis_forbids_is_said(self):
        secret = "password-of-a-user-0123456789"
        self.redis = self.start_redis(users={"gate": (secret, f"{RIGHTS} +info")})
        gate = self.start(self.start_app(), {"redis": self.redis.config(user="gate")})
        wait_for(lambda: gate.metrics()["orggate_redis_up"] == 1, "Redis")
        self.assertNotIn("redis", gate.telemetry("/readyz?verbose").body.decode())
        self.redis.call("ACL", "SETUSER", "gate", "-hset", "-del", "-evalsha", "-eval")
        for arguments in (["tenant", "set", "org_a", "--blocked"], ["limit", "reset", "--org", "org_a"]):
            done = run(gate, *arguments)
            self.assertEqual(done.returncode, 1, done.stdout)
            self.assertIn("Redis forbids this", done.stderr)
            self.assertNotIn(secret, done.stderr)
        self.assertIn("Redis forbids this", self.told(gate, "limit", "show", "--org", "org_a"))
        ready = gate.telemetry("/readyz?verbose")
        self.assertEqual(ready.status, 200)
        self.assertRegex(ready.body.decode(), r"(?m)^redis: .*NOPERM")
        self.redis.call("ACL", "SETUSER", "gate", "+hset", "+del", "+evalsha", "+eval")

    def test_a_block_outlives_the_data_of_redis(self):
        one, other = self.start_two()
        self.told(one, "tenant", "set", "org_a", "--blocked")
        self.in_force(lambda: other.ask(token=token(org="org_a")).status == 403, "the block")
        self.statuses(one, 6, org="org_b")
        self.redis.restart()
        deadline = time.monotonic() + PATIENCE
        while not self.redis.call("KEYS", "og:*:f1:{fleet}:tenants"):
            self.assertLess(time.monotonic(), deadline, "the list is not written back")
            self.assertEqual([g.ask(token=token(org="org_a")).status for g in (one, other)], [403, 403])
        for gate in (one, other):
            wait_for(lambda: gate.metrics()["orggate_redis_up"] == 1, "Redis")
            self.assertEqual(gate.ask(token=token(org="org_a")).status, 403)
        lines = [[line for line in g.process.output().splitlines() if "redis lost data" in line] for g in (one, other)]
        self.assertIn(1, [len(told) for told in lines])
        self.assertTrue(all(len(told) <= 1 for told in lines), lines)
        third = self.start(self.start_app(), {"redis": self.redis.config()})
        self.in_force(lambda: third.ask(token=token(org="org_a")).status == 403, "the block in a new process")
        # What was refused before is asked anew.
        self.in_force(lambda: self.statuses(one, 1, org="org_b") == [200], "the counter that is lost")

    def test_tenants_whose_time_is_over_go_when_another_is_set(self):
        one, _ = self.start_two()
        soon = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 2))
        self.told(one, "tenant", "set", "org_short", "--blocked", "--until", soon)
        wait_for(lambda: json.loads(self.told(one, "tenant", "list", "--json"))["tenants"].get("org_short"), "it")
        wait_for(lambda: not json.loads(self.told(one, "tenant", "list", "--json"))["tenants"]["org_short"]["in_force"],
                 "its end")
        self.told(one, "tenant", "set", "org_a", "--blocked")
        self.in_force(lambda: list(json.loads(self.told(one, "tenant", "list", "--json"))["tenants"]) == ["org_a"],
                      "the list")
        self.assertIn("appendonly yes", one.process.output())

    def test_the_start_says_where_limits_are_and_no_credential_is_printed(self):
        password = "redis-password-0123456789"
        self.redis = self.start_redis(password=password)
        gate = self.start(self.start_app(), {"redis": self.redis.config()})
        wait_for(lambda: gate.metrics()["orggate_redis_up"] == 1, "Redis")
        self.assertIn('"limits":"redis single"', gate.process.output())
        self.assertNotIn(password, gate.process.output())
        gate.process.send_signal(10)  # SIGUSR1
        wait_for(lambda: '"redis":"up"' in gate.process.output(), "the state line")
        names = self.redis.call("CLIENT", "LIST")
        self.assertIn("-control", names)

    def test_who_leaves_is_missed_at_once_and_the_end_is_quick(self):
        one, other = self.start_two()
        began = time.monotonic()
        self.assertEqual(other.process.stop(), 0)
        self.assertLess(time.monotonic() - began, 3 if not SANITIZER else 20)
        self.in_force(lambda: one.metrics()["orggate_fleet_processes"] == 1, "the departure")


class Readiness(AdminCase):
    def test_each_change_is_logged_once_with_its_reason(self):
        app = self.start_app()
        gate = self.start(app).wait_until_ready()
        app.close()
        wait_for(lambda: gate.telemetry("/readyz").status == 503, "unreadiness")
        for _ in range(5):
            gate.telemetry("/readyz")
        lines = [json.loads(text) for text in gate.process.output().splitlines() if text.startswith("{")]
        changes = [(line["msg"], line.get("because")) for line in lines if line["msg"] in ("ready", "not ready")]
        self.assertEqual(changes[-1], ("not ready", "upstream default does not answer"), changes)
        self.assertEqual(changes[-2], ("ready", None), changes)
        self.assertEqual(len(changes), len(set(zip(changes, changes[1:] + [None]))), "a change was told twice")


if __name__ == "__main__":
    unittest.main()
