"""Limits that several gates share through one Redis server."""
import json
import re
import time

import test_limits
from common import Gate, shared_clerk, token
from harness.process import wait_for
from harness.redis import RIGHTS, Redis
from harness.upstreams import App
from redis_cases import (DEADLINE, NAMESPACE, WORKERS, RedisCase, api, flat, items, log_lines, of_metric, remaining,
                         route)
from test_admin import run

PASSWORD, SECRET = "correct-horse-battery", "staple-of-the-gates"


class Pair:
    """Two gates that are asked in turn, for tests that know one."""

    def __init__(self, gates):
        self.gates, self.turn = gates, 0

    def next(self):
        self.turn += 1
        return self.gates[self.turn % len(self.gates)]

    def ask(self, *arguments, **options):
        return self.next().ask(*arguments, **options)

    def connect(self, **options):
        return self.next().connect(**options)

    def access_lines(self, **wanted):
        return self.gates[0].access_lines(**wanted)


class LimitsOverRedis(test_limits.Limits):
    """Every test of the limits in memory, through two gates and a Redis."""

    @classmethod
    def setUpClass(cls):
        cls.redis = Redis()
        cls.addClassCleanup(cls.redis.close)
        cls.app = App()
        cls.addClassCleanup(cls.app.close)
        section = cls.redis.config(namespace=NAMESPACE, deadline=DEADLINE)
        gates = []
        for _ in range(2):
            gates.append(Gate(shared_clerk(), cls.app.url, {**cls.changes, "admin": "off", "redis": section}))
            cls.addClassCleanup(gates[-1].close)
            gates[-1].wait_until_ready()
            wait_for(lambda: of_metric(gates[-1].metrics(), "redis_connections") >= WORKERS, "Redis")
        cls.gate = Pair(gates)

    @classmethod
    def tearDownClass(cls):
        # Nothing of all this was decided by one gate alone.
        for gate in cls.gate.gates:
            for outcome in ("fallback_allowed", "fallback_denied", "error_open", "error_closed"):
                assert of_metric(gate.metrics(), "limit_decisions_total", outcome=outcome) == 0, outcome
        super().tearDownClass()


class Ways(RedisCase):
    """How a server is reached, and as whom."""

    def test_every_way_to_a_server_leads_to_the_same_counters(self):
        redis = self.start_redis(tls="yes", password=PASSWORD, users={"orggate": (SECRET, RIGHTS)})
        app, left = self.start_app(), []
        rows = [dict(), dict(over="unix"), dict(over="tls"), dict(user="orggate"), dict(over="tls", user="orggate")]
        for row in rows:
            with self.subTest(row):
                gate = self.start_member(redis.config(**row), api("9/1m"), app)
                left.append(remaining(self.ask(gate, "org_ways")))
                for secret in (PASSWORD, SECRET):
                    self.assertNotIn(secret, gate.process.output())
        self.assertEqual(left, [8, 7, 6, 5, 4])

    def test_databases_are_apart(self):
        redis = self.start_redis()
        app = self.start_app()
        for section in (redis.config(), redis.config(database=3), redis.config("unix", database=5)):
            self.assertEqual(remaining(self.ask(self.start_member(section, api(), app), "org_apart")), 4)
        keyspace = redis.info("keyspace")
        self.assertEqual(set(keyspace), {"db0", "db3", "db5"})

    def test_namespaces_are_apart(self):
        redis = self.start_redis()
        app = self.start_app()
        for name in ("og:one", "og:two"):
            gate = self.start_member(redis.config(namespace=name), api(), app)
            self.assertEqual(remaining(self.ask(gate, "org_apart")), 4)
        gate = self.start_member(redis.config(namespace=None), api(), app)
        self.ask(gate, "org_apart")
        counters = [key for key in redis.call("KEYS", "*") if "{org_apart}" in key]
        self.assertEqual(sorted(counters), ["og:clerk.example.com:w1:{org_apart}:api", "og:one:w1:{org_apart}:api",
                                            "og:two:w1:{org_apart}:api"])

    def test_a_server_that_shows_another_certificate_is_not_used(self):
        redis = self.start_redis(tls="no")
        section = redis.config("tls")
        section["tls"]["server_name"] = "redis.example.com"
        gate = self.start_alone(section, api(on_error="closed"))
        self.check_unavailable(self.ask(gate, "org_tls"))
        wait_for(lambda: log_lines(gate, "redis cannot be used"), "a line in the log")
        self.assertEqual(redis.call("DBSIZE"), 0)

    def test_a_server_that_demands_a_certificate_gets_none(self):
        redis = self.start_redis(tls="yes")
        section = redis.config("tls")
        section["tls"] = {key: section["tls"][key] for key in ("ca_file", "server_name")}
        gate = self.start_alone(section, api(on_error="closed"))
        wait_for(lambda: log_lines(gate, "redis cannot be used"), "a line in the log")
        self.check_unavailable(self.ask(gate, "org_tls"))

    def test_a_wrong_password_is_the_policys_case_and_said_once(self):
        redis = self.start_redis(password=PASSWORD, users={"orggate": (SECRET, RIGHTS)})
        rows = [(None, "a-wrong-one-of-many", "AUTH: WRONGPASS"), ("orggate", "another-wrong-one", "AUTH: WRONGPASS"),
                (None, None, "ROLE: NOAUTH .*")]
        for user, failing, reason in rows:
            with self.subTest(user=user, failing=failing):
                section = redis.config(user=user)
                if failing:
                    wrong = redis.scratch.write(f"wrong-{user}", failing)
                    wrong.chmod(0o600)
                gate = self.start_alone({**section, "password_file": str(wrong) if failing else None, "fleet": 5}, {
                    "limits": {name: {"rate": "10/1m", "on_error": name} for name in ("local", "open", "closed")},
                    "routes": [route(name) for name in ("local", "open", "closed")],
                    "workers": 1,
                })
                wait_for(lambda: log_lines(gate, "redis cannot be used"), "a line in the log")
                self.assertEqual(self.passes([gate], "org_secret", "/local", 4), 2)
                answer = self.ask(gate, "org_secret", "/open")
                self.check_allowed(answer)
                self.assertIsNone(answer.get("ratelimit"))
                self.check_unavailable(self.ask(gate, "org_secret", "/closed"))
                # Some tries later it still is one line of the worker's and one of the control thread's.
                wait_for(lambda: self.metric(gate, "redis_connect_failures_total") >= 3, "more tries")
                lines = log_lines(gate, '"level":"error"', "redis")
                self.assertLessEqual(len(lines), 2)
                for line in map(json.loads, lines):
                    self.assertEqual((line["server"], line["failure"]), (redis.address, "forbidden"))
                    self.assertRegex(line["reason"], f"^{reason}$")
                for secret in filter(None, (failing, PASSWORD, SECRET)):
                    self.assertNotIn(secret, gate.process.output())


class Rights(RedisCase):
    """The least that a user of its own needs."""

    LIMITS = {
        "limits": {
            "window": {"rate": "9/1m"}, "bucket": {"rate": "9/1m", "algorithm": "bucket"},
            "calendar": {"rate": "9/1d", "algorithm": "calendar"}, "concurrent": {"concurrent": 3},
            "leased": {"rate": "6000/1m", "mode": "leased"},
        },
        "routes": [route(name) for name in ("window", "bucket", "calendar", "concurrent", "leased")],
        "workers": 1,
    }

    def use_everything(self, gate):
        for name in self.LIMITS["limits"]:
            answer = self.ask(gate, "org_rights", f"/{name}")
            self.check_allowed(answer)
            self.assertTrue(answer.get("ratelimit"), name)

    @staticmethod
    def used(redis):
        return {name.removeprefix("cmdstat_") for name in redis.info("commandstats")}

    def test_the_rights_are_enough_and_each_is_used(self):
        rights = {word.removeprefix("+") for word in RIGHTS.split() if word.startswith("+")}
        redis = self.start_redis(users={"orggate": (SECRET, RIGHTS)})
        socket = redis.scratch.path / "admin.sock"
        gate = self.start_member(redis.config(user="orggate"), {**self.LIMITS, "admin": f"unix:{socket}"})
        self.use_everything(gate)
        for words in ("tenant set org_special --bypass window --reason test", "tenant clear org_special",
                      "limit reset --org org_rights --limit window"):
            done = run(gate, *words.split())
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        redis.flush_scripts()
        self.use_everything(gate)
        # Nobody asks: it wants to know whether all is well.
        wait_for(lambda: "ping" in self.used(redis), "a ping")
        gate.process.stop()
        self.assertLessEqual(rights, self.used(redis))
        refused = [dict(zip(entry[::2], entry[1::2])) for entry in redis.call("ACL", "LOG")]
        # What is advised at start needs INFO; it is asked for, and done without.
        self.assertLessEqual({(entry["reason"], entry["object"]) for entry in refused}, {("command", "info")})


class Shared(RedisCase):
    """One limit, several gates."""

    def test_of_1000_requests_exactly_100_pass_two_gates_and_64_connections(self):
        gates = self.start_fleet(self.start_redis().config(), api("100/1m"))
        request = self.request("org_crowd")
        jobs = [(gates[i % 2], request, 1000 // 64 + (i < 1000 % 64)) for i in range(64)]
        statuses = flat(self.together(jobs))
        self.assertEqual((len(statuses), statuses.count(200), statuses.count(429)), (1000, 100, 900))
        # Most refusals were known to hold: Redis was not asked again.
        self.assertGreater(sum(self.metric(gate, "deny_cache_hits_total") for gate in gates), 700)

    def test_a_gate_that_starts_again_finds_the_count_and_a_changed_rate_keeps_it(self):
        redis, app = self.start_redis(), self.start_app()
        rows = [("10/1m", 4, 4), ("10/1m", 4, 4), ("12/1m", 3, 3), ("11/1m", 2, 0), ("20/1m", 12, 9)]
        for rate, tries, wanted in rows:
            with self.subTest(rate):
                gate = self.start_member(redis.config(), api(rate), app)
                self.assertEqual(self.passes([gate], "org_changing", tries=tries), wanted)
                gate.process.stop()

    def test_a_rolling_change_of_the_rate_is_one_count(self):
        redis, app = self.start_redis(), self.start_app()
        old, new = (self.start_member(redis.config(), api(rate), app) for rate in ("6/1m", "9/1m"))
        self.assertEqual([self.passes([gate], "org_rolling", tries=4) for gate in (new, old)], [4, 2])
        self.assertEqual(self.passes([new], "org_rolling"), 3)

    def test_several_limits_are_all_or_nothing_across_gates(self):
        gates = self.start_fleet(self.start_redis().config(), {
            "limits": {"wide": {"rate": ["50/1m", "900/1h"]}, "narrow": {"rate": "7/1m"}},
            "routes": [{"name": "both", "paths": ["/both"], "access": "org", "limits": ["wide", "narrow"]},
                       route("wide")],
        })
        jobs = [(gates[i % 2], self.request("org_all", "/both"), 10) for i in range(16)]
        self.assertEqual(flat(self.together(jobs)).count(200), 7)
        answer = self.ask(gates[0], "org_all", "/wide")
        left = {name: int(item["r"]) for name, item in items(answer.get("ratelimit")).items()}
        self.assertEqual(left, {"wide-1m": 50 - 8, "wide-1h": 900 - 8})

    def test_weights_at_once_use_the_limit_up_and_never_pass_it(self):
        gates = self.start_fleet(self.start_redis().config(), {
            "limits": {"api": {"rate": "100/1m"}},
            "routes": [{"name": f"w{w}", "paths": [f"/w{w}"], "access": "org", "limits": {"api": w}}
                       for w in (1, 3, 7)],
        })
        weights = [w for w in (7, 3, 1) for _ in range(4)]
        statuses = self.together([(gates[i % 2], self.request("org_heavy", f"/w{w}"), 20)
                                  for i, w in enumerate(weights)])
        self.assertLessEqual(set(flat(statuses)), {200, 429})
        # The light ones asked 80 times, more than heavy ones can have left over.
        self.assertEqual(sum(w * one.count(200) for w, one in zip(weights, statuses)), 100)
        self.assertEqual(remaining(self.ask(gates[0], "org_heavy", "/w1")), 0)

    def test_permits_are_the_fleets_and_those_of_a_gate_that_dies_come_back(self):
        redis = self.start_redis()
        app = self.start_app()
        limits = {"limits": {"slow": {"concurrent": 3}},
                  "routes": [{"name": "slow", "paths": ["/slow(.*)"], "access": "org", "limits": ["slow"]}]}
        first, second = (self.start_member(redis.config(), limits, app, expected_exit=code) for code in (-9, 0))
        app.on("/slow/held", lambda peer, head: peer.fill())  # never
        for number, gate in enumerate((first, first, second), 1):
            connection = gate.connect()
            self.addCleanup(connection.abort)
            connection.send(self.request("org_dying", "/slow/held"))
            wait_for(lambda: len(app.heads("/slow/held")) == number, "the request to arrive")
        self.assertEqual([self.ask(g, "org_dying", "/slow").status for g in (first, second)], [429, 429])
        first.process.stop(9)
        began = time.monotonic()
        wait_for(lambda: self.ask(second, "org_dying", "/slow").status == 200, "the permits of the dead", 30)
        # Not sooner: a gate that lives must not lose them to a pause.
        self.assertGreater(time.monotonic() - began, 9)
        self.assertLess(time.monotonic() - began, 17)
        # Its own is still held, and no other.
        wait_for(lambda: remaining(self.ask(second, "org_dying", "/slow"), "slow-concurrent") == 1, "the true count")

    def test_leases_are_used_and_a_stop_gives_back_what_is_left(self):
        redis, app = self.start_redis(), self.start_app()
        first = self.start_member(redis.config(), api("6000/1m", mode="leased"), app)
        before = redis.scripts_run()
        statuses = flat(self.together([(first, self.request("org_leased"), 100) for _ in range(8)]))
        self.assertEqual(statuses, [200] * 800)
        self.assertLess(redis.scripts_run() - before, 300)
        first.process.stop()
        second = self.start_member(redis.config(), api("6000/1m", mode="leased"), app)
        self.assertEqual(remaining(self.ask(second, "org_leased")), 6000 - 801)


class Names(RedisCase):
    """What stands in Redis is named as the documentation says."""

    def test_counters_are_named_after_limit_and_subject(self):
        redis = self.start_redis()
        gate = self.start_member(redis.config(), test_limits.LIMITS)
        credential = dict(org="org_named", sub="user_n1", sid="sess_n1")
        for path in ("api", "burst", "each", "personal", "bucket", "daily", "leased"):
            self.check_allowed(self.ask(gate, path=f"/{path}", **credential))
        for address in ("198.51.100.7", "2001:db8::1"):
            self.check_allowed(gate.ask(target="/address", headers=test_limits.come_from(address)))
        self.check_allowed(self.ask(gate, "org_" + "a" * 61, "/api"))
        names = {name for name in redis.call("KEYS", "*") if ":{fleet}:" not in name}
        known = {f"{NAMESPACE}:{name}" for name in (
            "w1:{org_named}:api", "w1:{org_named}:burst/burst-1s", "w1:{org_named}:burst/burst-1m",
            "w1:{org_named}:each:u=user_n1", "w1:{user_n1}:personal:user", "b1:{org_named}:bucket",
            "q1:{org_named}:daily", "w1:{org_named}:leased", "w1:{198.51.100.7}:address:ip")}
        self.assertLessEqual(known, names)
        hashed = {re.sub("[0-9a-f]{32}", "HASH", name) for name in names - known}
        self.assertEqual(hashed, {f"{NAMESPACE}:w1:{{h=HASH}}:address:ip", f"{NAMESPACE}:w1:{{h=HASH}}:api"})
        for name in names:
            self.assertGreater(redis.call("PTTL", name), 0, name)

    def test_permits_and_the_fleet_have_names_too(self):
        redis = self.start_redis()
        gate = self.start_member(redis.config(), test_limits.LIMITS)
        self.check_allowed(self.ask(gate, "org_named", "/slow"))
        wait_for(lambda: redis.call("ZCARD", f"{NAMESPACE}:f1:{{fleet}}:members") == 1, "the fleet to know it")
        clients = redis.call("CLIENT", "LIST")
        self.assertRegex(clients, r"name=orggate-\S+")


class Sameness(RedisCase):
    """The same configuration with and without `redis:` differs in nothing but the sharing."""

    SEQUENCES = [
        ("a window", "/api", 7, {}),
        ("two windows", "/burst", 4, {}),
        ("two limits", "/both", 3, {}),
        ("a weight", "/weighty", 4, {}),
        ("a weight no limit holds", "/heavy", 2, {}),
        ("a plan", "/tiered", 4, {"pla": "o:pro"}),
        ("no plan", "/tiered", 3, {}),
        ("a shadow limit", "/rehearsed", 3, {}),
        ("a shadow route", "/shadowed", 7, {}),
        ("a bucket", "/bucket", 5, {}),
        ("a day", "/daily", 5, {}),
        ("permits", "/slow", 3, {}),
        ("of a user in an organisation", "/each", 3, {}),
        ("of a user", "/personal", 3, {}),
        ("of an address", "/address", 3, {}),
        ("else of the address", "/somebody", 3, {}),
        ("without an organisation", "/api", 2, {"org": None}),
        ("bypassed", "/tiered", 3, {"org": "org_free"}),
        ("its own rate", "/api", 10, {"org": "org_big"}),
        ("blocked", "/api", 2, {"org": "org_bad"}),
        ("an upstream's own fields", "/own", 3, {}),
    ]
    PLAIN = {"date", "x-request-id"}

    def changes(self):
        limits = test_limits.LIMITS
        return {**limits,
                "tenants": {**limits["tenants"], "org_bad": {"blocked": True, "reason": "a test"}},
                "routes": [*limits["routes"],
                           {"name": "heavy", "paths": ["/heavy"], "access": "org", "limits": {"api": 6}},
                           {"name": "own", "paths": ["/own"], "access": "org", "limits": ["api"]}]}

    # Times may differ a little; everything else is compared byte by byte.
    def shape(self, answer):
        """(what must be equal, [times, in seconds from now])."""
        times, fields = [], []
        for name, value in answer.fields:
            name = name.lower()
            if name in self.PLAIN:
                continue
            if name == "x-ratelimit-reset":
                times.append(int(value) - time.time())
                value = "TIME"
            elif name == "retry-after":
                times.append(int(value))
                value = "TIME"
            elif name == "ratelimit":
                times += [int(t) for t in re.findall(r";t=(\d+)", value)]
                value = re.sub(r";t=\d+", ";t=TIME", value)
            elif name == "content-length":
                continue
            fields.append((name, value))
        body = answer.body.decode()
        if body.startswith("{"):
            told = json.loads(body)
            told.pop("request_id", None)
            for name in ("connection", "served"):
                told.pop(name, None)
            told["fields"] = [f for f in told.get("fields", []) if f[0].lower() not in (
                "x-request-id", "traceparent", "x-forwarded-for")]
            body = json.dumps(told)
        return (answer.start, fields, body), times

    def test_the_same_requests_get_the_same_answers(self):
        if 86400 - time.time() % 86400 < 30:
            self.skipTest("it is midnight")
        redis = self.start_redis()
        answers = []
        app = self.start_app()
        app.on("/own", lambda peer, head: test_limits.respond(peer, "own", headers=[
            'RateLimit-Policy: "db";q=9;w=1', 'RateLimit: "db";r=7;t=1']) or True)
        with_redis = self.start_member(redis.config(), self.changes(), app)
        without = self.start_gate(app.url, {**self.changes(), "admin": "off"})
        for name, path, tries, more in self.SEQUENCES:
            fields = {"org": f"org_same_{path[1:]}_{len(name)}", "sub": "user_" + re.sub(r"\W", "", name), **more}
            for number in range(tries):
                with self.subTest(name, number=number):
                    a, b = (self.shape(gate.ask(
                        target=path, token=token(**fields), headers=test_limits.come_from("198.51.100.50")))
                        for gate in (with_redis, without))
                    self.assertEqual(a[0], b[0])
                    for one, other in zip(a[1], b[1], strict=True):
                        self.assertAlmostEqual(one, other, delta=61 if path == "/daily" else 7)
            answers.append((name, a))
        self.assertEqual(len(answers), len(self.SEQUENCES))
