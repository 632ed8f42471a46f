"""Limits in memory, as an organisation meets them. test_redis.py runs the same over Redis."""
import base64
import hashlib
import json
import re
import threading
import time

from common import Case, SharedGate, token
from harness.client import JSON, bearer, compose
from harness.process import wait_for
from harness.upstreams import respond

LIMITS = {
    "limits": {
        "api": {"rate": "5/1m"},
        "brief": {"rate": "3/1s"},
        "burst": {"rate": ["2/1s", "4/1m"]},
        "tiered": {"rate": "1/1m", "plans": {"pro": "3/1m", "max": "6/1m"}},
        "rehearsed": {"rate": "1/1m", "shadow": True},
        "bucket": {"rate": "2/1s", "algorithm": "bucket", "burst": 4},
        "daily": {"rate": "3/1d", "algorithm": "calendar"},
        "slow": {"concurrent": 2},
        "each": {"rate": "2/1m", "per": "org_user"},
        "personal": {"rate": "2/1m", "per": "user"},
        "address": {"rate": "2/1m", "per": "ip"},
        "somebody": {"rate": "2/1m", "otherwise": "ip"},
        "anybody": {"rate": "1/1m", "otherwise": "skip"},
        "leased": {"rate": "6000/1m", "mode": "leased"},
    },
    "trusted_proxies": ["127.0.0.1/32"],
    "tenants": {
        "org_free": {"bypass": "all", "reason": "a test"},
        "org_half": {"bypass": ["api"], "reason": "a test"},
        "org_big": {"limits": {"api": "8/1m"}, "reason": "a test"},
    },
    "routes": [
        {"name": "api", "paths": ["/api(.*)"], "access": "org", "limits": ["api"]},
        {"name": "brief", "paths": ["/brief"], "access": "org", "limits": ["brief"]},
        {"name": "burst", "paths": ["/burst"], "access": "org", "limits": ["burst"]},
        {"name": "tiered", "paths": ["/tiered"], "access": "org", "limits": ["tiered"]},
        {"name": "both", "paths": ["/both"], "access": "org", "limits": {"api": 1, "tiered": 1}},
        {"name": "weighty", "paths": ["/weighty"], "access": "org", "limits": {"api": 2}},
        {"name": "rehearsed", "paths": ["/rehearsed"], "access": "org", "limits": ["rehearsed"]},
        {"name": "shadowed", "paths": ["/shadowed"], "access": "org", "limits": ["api"], "shadow": True},
        {"name": "bucket", "paths": ["/bucket"], "access": "org", "limits": ["bucket"]},
        {"name": "daily", "paths": ["/daily"], "access": "org", "limits": ["daily"]},
        {"name": "slow", "paths": ["/slow(.*)"], "access": "org", "limits": ["slow"]},
        {"name": "each", "paths": ["/each"], "access": "org", "limits": ["each"]},
        {"name": "personal", "paths": ["/personal"], "access": "signed_in", "limits": ["personal"]},
        {"name": "address", "paths": ["/address"], "access": "public", "limits": ["address"]},
        {"name": "somebody", "paths": ["/somebody"], "access": "public", "limits": ["somebody"]},
        {"name": "anybody", "paths": ["/anybody"], "access": "public", "limits": ["anybody"]},
        {"name": "leased", "paths": ["/leased"], "access": "org", "limits": ["leased"]},
    ],
}
GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455 section 1.3


def open_tunnel(peer, head):
    """Takes a WebSocket handshake, and holds the tunnel until the other side ends it."""
    proof = base64.b64encode(hashlib.sha1((head.get("sec-websocket-key") + GUID).encode()).digest()).decode()
    peer.send(f"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
              f"Sec-WebSocket-Accept: {proof}\r\n\r\n")
    while peer.fill():
        pass
    return False


def come_from(address):
    return {"X-Forwarded-For": address}


class Limits(SharedGate):
    changes = LIMITS

    def allowed(self, target, credential, tries=12):
        """How many of `tries` pass; the rest are 429."""
        statuses = [self.gate.ask(target=target, token=credential).status for _ in range(tries)]
        self.assertTrue(set(statuses) <= {200, 429}, statuses)
        passed = statuses.count(200)
        self.assertEqual(statuses, [200] * passed + [429] * (tries - passed))
        return passed

    def test_each_organisation_has_its_own(self):
        self.assertEqual(self.allowed("/api", token(org="org_one")), 5)
        self.assertEqual(self.allowed("/api", token(org="org_two")), 5)

    def test_the_users_of_one_organisation_share_it(self):
        first, second = (token(org="org_shared", sub=f"user_{i}", sid=f"sess_{i}") for i in "ab")
        self.assertEqual(self.allowed("/api", first, 3) + self.allowed("/api", second, 4), 5)

    def test_workers_do_not_multiply_it(self):
        credential, statuses = token(org="org_spread"), []
        for _ in range(10):  # own connections, so both workers
            statuses.append(self.gate.ask(target="/api", token=credential).status)
        self.assertEqual(statuses.count(200), 5)

    def test_plans_tenants_and_bypass(self):
        rows = [
            ("no plan", "/tiered", dict(org="org_plan0"), 1),
            ("a plan", "/tiered", dict(org="org_plan1", pla="o:pro"), 3),
            ("the highest of two", "/tiered", dict(org="org_plan2", pla="o:pro,o:max"), 6),
            ("a user's plan is not the organisation's", "/tiered", dict(org="org_plan3", pla="u:max"), 1),
            ("a tenant's own rate", "/api", dict(org="org_big"), 8),
            ("bypass of all", "/tiered", dict(org="org_free"), 12),
            ("bypass of one", "/api", dict(org="org_half"), 12),
            ("and not of another", "/tiered", dict(org="org_half"), 1),
        ]
        for name, target, fields, wanted in rows:
            with self.subTest(name):
                self.assertEqual(self.allowed(target, token(**fields)), wanted)

    def test_several_limits_are_all_or_nothing(self):
        credential = token(org="org_both")
        self.assertEqual(self.allowed("/both", credential, 6), 1)
        # The refusals by `tiered` have taken nothing from `api`.
        self.assertEqual(self.allowed("/api", credential), 4)

    def test_several_windows_of_one_limit(self):
        credential = token(org="org_burst")
        self.assertEqual(self.allowed("/burst", credential, 3), 2)
        wait_for(lambda: self.gate.ask(target="/burst", token=credential).status == 200, "the short window to pass")

    def test_weights(self):
        self.assertEqual(self.allowed("/weighty", token(org="org_weighty")), 2)

    def test_what_is_refused_before_is_not_charged(self):
        credential = token(org="org_spared")
        for _ in range(10):
            self.gate.ask(target="/api", token=token(org="org_spared", ttl=-60))
            self.gate.ask(target="/api", headers={"X-Org-Id": "org_spared"})
        self.assertEqual(self.allowed("/api", credential), 5)

    def test_shadow_reports_and_lets_pass(self):
        self.assertEqual(self.allowed("/rehearsed", token(org="org_rehearsal")), 12)
        self.assertEqual(self.allowed("/shadowed", token(org="org_shadow")), 12)
        self.gate.access_lines(org_id="org_shadow", shadow="quota_exhausted")

    def test_the_fields_tell_what_is_left(self):
        credential = token(org="org_fields")
        for left in (4, 3, 2, 1, 0):
            answer = self.gate.ask(target="/api", token=credential)
            self.assertEqual(answer.get("ratelimit-policy"), '"api";q=5;w=60')
            self.assertRegex(answer.get("ratelimit"), rf'^"api";r={left};t=([1-9]|[1-5]\d|60)$')
            self.assertEqual(answer.get("x-ratelimit-limit"), "5")
            self.assertEqual(answer.get("x-ratelimit-remaining"), str(left))
            self.assertAlmostEqual(int(answer.get("x-ratelimit-reset")), time.time() + 60, delta=62)
        refused = self.gate.ask(target="/api", token=credential)
        self.check_refusal(refused, 429, "quota_exhausted")
        self.assertRegex(refused.get("ratelimit"), r'^"api";r=0;t=\d+$')
        self.assertIn(int(refused.get("retry-after")), range(1, 67))  # a random part is added
        self.assertEqual(json.loads(refused.body)["violated-policies"], ["api"])

    def test_the_window_slides(self):
        credential = token(org="org_slide")
        self.assertEqual(self.allowed("/brief", credential, 4), 3)
        wait_for(lambda: self.gate.ask(target="/brief", token=credential).status == 200, "the window to slide")

    def test_who_waits_as_long_as_told_gets_on(self):
        for path in ("/brief", "/bucket"):
            credential = token(org="org_patient")
            while (answer := self.gate.ask(target=path, token=credential)).status == 200:
                pass
            time.sleep(int(answer.get("retry-after")))
            self.check_allowed(self.gate.ask(target=path, token=credential))

    def test_what_is_left_never_rises_by_itself(self):
        credential, left = token(org="org_falling"), []
        for target in ("/weighty", "/api", "/weighty", "/api", "/weighty", "/api"):
            answer = self.gate.ask(target=target, token=credential)
            left.append((answer.status, int(answer.get("ratelimit").split("r=")[1].split(";")[0])))
        # Units 2 and 1 and 2; nothing is left for the rest.
        self.assertEqual(left, [(200, 3), (200, 2), (200, 0), (429, 0), (429, 0), (429, 0)])

    def test_a_refusal_says_in_its_body_what_was_used_up(self):
        credential = token(org="org_told")
        self.assertEqual(self.allowed("/both", credential, 1), 1)
        answer = self.gate.ask(target="/both", token=credential)
        self.check_refusal(answer, 429, "quota_exhausted")
        self.assertEqual(answer.get("content-type"), "application/problem+json")
        self.assertEqual(answer.get("cache-control"), "no-store")
        body = json.loads(answer.body)
        self.assertEqual(body["type"], "https://iana.org/assignments/http-problem-types#quota-exceeded")
        self.assertEqual((body["status"], body["code"], body["violated-policies"]),
                         (429, "quota_exhausted", ["tiered"]))
        self.assertTrue(body["title"] and body["detail"] and body["request_id"])
        # Both policies are shown, the one that was refused with nothing left.
        self.assertEqual(answer.get("ratelimit-policy"), '"api";q=5;w=60, "tiered";q=1;w=60')
        self.assertRegex(answer.get("ratelimit"), r'^"api";r=4;t=\d+, "tiered";r=0;t=\d+$')

    def test_the_upstreams_own_fields_stand_beside_ours_and_are_never_loosened(self):
        def says(policy, state, legacy):
            return lambda peer, head: respond(peer, "own", headers=[
                f"RateLimit-Policy: {policy}", f"RateLimit: {state}", f"X-RateLimit-Remaining: {legacy}",
                f"X-RateLimit-Limit: {legacy + 1}", "X-RateLimit-Reset: 4102444800"]) or True
        self.app.on("/api/own/another", says('"db";q=9;w=1', '"db";r=7;t=1', 90))
        self.app.on("/api/own/stricter", says('"api";q=2;w=9', '"api";r=0;t=9', 0))
        self.app.on("/api/own/looser", says('"api";q=99;w=9', '"api";r=98;t=9', 98))
        credential = token(org="org_merged")
        answers = [self.gate.ask(target=f"/api/own/{name}", token=credential)
                   for name in ("another", "stricter", "looser")]
        states, policies, left = (
            [sorted(", ".join(answer.all(name)).split(", ")) for answer in answers]
            for name in ("ratelimit", "ratelimit-policy", "x-ratelimit-remaining"))
        states = [[re.sub(r"(60|59)$", "60", item) for item in state] for state in states]
        self.assertEqual(states, [['"api";r=4;t=60', '"db";r=7;t=1'], ['"api";r=0;t=9'], ['"api";r=2;t=60']])
        self.assertEqual(policies, [['"api";q=5;w=60', '"db";q=9;w=1'], ['"api";q=2;w=9'], ['"api";q=5;w=60']])
        self.assertEqual(left, [["4"], ["0"], ["2"]])

    def test_a_bucket_gives_its_burst_at_once_and_then_evenly(self):
        credential, began = token(org="org_bucket"), time.monotonic()
        answers = [self.gate.ask(target="/bucket", token=credential) for _ in range(4)]
        self.assertEqual([a.status for a in answers], [200] * 4)
        self.assertEqual(answers[0].get("ratelimit-policy"), '"bucket";q=4;w=2;orggate-rate="2/1s"')
        passed = 4
        while time.monotonic() < began + 1.2:
            passed += self.gate.ask(target="/bucket", token=credential).status == 200
        took = time.monotonic() - began
        self.assertLessEqual(passed, 4 + 2 * took)
        self.assertGreaterEqual(passed, 4 + 2 * 1.2 - 1)

    def test_a_day_ends_at_midnight(self):
        credential, left = token(org="org_daily"), 86400 - time.time() % 86400
        if left < 30:
            self.skipTest("it is midnight")
        self.assertEqual(self.allowed("/daily", credential, 4), 3)
        answer = self.gate.ask(target="/daily", token=credential)
        self.assertEqual(answer.get("ratelimit-policy"), '"daily";q=3;w=86400')
        self.assertLessEqual(left - 30, int(answer.get("retry-after")))
        self.assertLessEqual(int(answer.get("retry-after")), left + 61)

    def test_leased_units_are_as_many(self):
        credential = token(org="org_leased")
        self.assertEqual(self.allowed("/leased", credential, 40), 40)
        answer = self.gate.ask(target="/leased", token=credential)
        self.assertEqual(answer.get("ratelimit-policy"), '"leased";q=6000;w=60')
        # A hint: of what this worker was told and holds.
        self.assertIn(int(answer.get("ratelimit").split("r=")[1].split(";")[0]), range(5800, 6000))

    def test_whose_units_they_are(self):
        first, second, elsewhere = (token(org=f"org_{org}", sub=f"user_{sub}", sid=f"sess_{sub}")
                                    for org, sub in [("whose", "w1"), ("whose", "w2"), ("other", "w1")])
        rows = [
            # of a user within an organisation; of a user wherever
            ("/each", [first, second, elsewhere], [2, 2, 2]),
            ("/personal", [first, second, elsewhere], [2, 2, 0]),
        ]
        for target, credentials, wanted in rows:
            with self.subTest(target):
                self.assertEqual([self.allowed(target, c, 3) for c in credentials], wanted)

    def passed_from(self, target, address, tries=3, **more):
        statuses = [self.gate.ask(target=target, headers=come_from(address), **more).status for _ in range(tries)]
        self.assertLessEqual(set(statuses), {200, 429})
        return statuses.count(200)

    def test_units_of_an_address(self):
        rows = [
            ("an address", "198.51.100.7", 2),
            ("another", "198.51.100.8", 2),
            ("the same", "198.51.100.7", 0),
            ("a network", "2001:db8:7:8::1", 2),
            ("its neighbour", "2001:db8:7:8:ffff::2", 0),
            ("the network beside it", "2001:db8:7:9::1", 2),
        ]
        for name, address, wanted in rows:
            with self.subTest(name):
                self.assertEqual(self.passed_from("/address", address), wanted)

    def test_otherwise(self):
        credential = token(org="org_otherwise")
        self.assertEqual(self.passed_from("/somebody", "198.51.100.20"), 2)
        # Who has an organisation is counted there, wherever the requests come from.
        self.assertEqual(self.passed_from("/somebody", "198.51.100.20", token=credential), 2)
        self.assertEqual(self.passed_from("/somebody", "198.51.100.21", token=credential), 0)
        self.assertEqual(self.passed_from("/anybody", "198.51.100.20"), 3)
        self.assertEqual(self.passed_from("/anybody", "198.51.100.20", token=credential), 1)

    # One permit after the other ends in its own way.
    def hold(self, count, path, credential):
        """Connections with a request in flight each; `path` is answered when the returned event is set."""
        is_over = threading.Event()
        self.addCleanup(is_over.set)

        def script(peer, head):
            is_over.wait(30)
            respond(peer, "at last")
            return True
        self.app.on(path, script)
        held = []
        for number in range(count):
            connection = self.gate.connect()
            self.addCleanup(connection.close)
            connection.send(compose("GET", path, {**JSON, **bearer(credential)}))
            wait_for(lambda: len(self.app.heads(path)) == number + 1, "the request to arrive")
            held.append(connection)
        return held, is_over

    def wait_for_a_permit(self, credential, path="/slow"):
        wait_for(lambda: self.gate.ask(target=path, token=credential).status == 200, "a permit")

    def test_so_many_at_once(self):
        credential = token(org="org_slow")
        held, is_over = self.hold(2, "/slow/held", credential)
        refused = self.gate.ask(target="/slow", token=credential)
        self.check_refusal(refused, 429, "quota_exhausted")
        self.assertEqual(json.loads(refused.body)["violated-policies"], ["slow-concurrent"])
        self.assertEqual(refused.get("retry-after"), "1")
        self.assertEqual(refused.get("ratelimit-policy"), '"slow-concurrent";q=2;qu="concurrent-requests"')
        self.assertEqual(refused.get("ratelimit"), '"slow-concurrent";r=0')
        self.assertEqual(self.allowed("/slow", token(org="org_quick"), 5), 5)
        is_over.set()
        for connection in held:
            self.check_allowed(connection.read())
        self.wait_for_a_permit(credential)
        # All are back: two can be had at the same time.
        again, _ = self.hold(2, "/slow/again", credential)
        self.assertEqual(len(again), 2)

    def test_who_leaves_gives_the_permit_back(self):
        credential = token(org="org_leaving")
        (first, _), _ = self.hold(2, "/slow/left", credential)
        self.assertEqual(self.gate.ask(target="/slow", token=credential).status, 429)
        first.abort()
        self.wait_for_a_permit(credential)

    def test_a_tunnel_holds_its_permit_until_it_ends(self):
        self.app.on("/slow/tunnel", open_tunnel)
        credential, tunnels = token(org="org_tunnels"), []
        handshake = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
                     "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==", **bearer(credential)}
        for _ in range(2):
            connection = self.gate.connect()
            self.addCleanup(connection.close)
            connection.send(compose("GET", "/slow/tunnel", handshake))
            self.assertEqual(connection.read_any().status, 101)
            tunnels.append(connection)
        self.assertEqual(self.gate.ask(target="/slow", token=credential).status, 429)
        tunnels[0].close()
        self.wait_for_a_permit(credential)
        self.assertEqual(self.gate.ask(target="/slow", token=credential).status, 200)


class Strict(Case):
    def test_of_1000_requests_exactly_100_pass_four_workers_and_64_connections(self):
        app = self.start_app()
        gate = self.start_gate(app.url, {
            "workers": 4,
            "limits": {"api": {"rate": "100/1m"}},
            "default": {"access": "org", "limits": ["api"]},
        }).wait_until_ready()
        request, statuses, lock = compose("GET", "/things", bearer(token())), [], threading.Lock()
        shares = [1000 // 64 + (i < 1000 % 64) for i in range(64)]

        def ask(share):
            with gate.connect() as connection:
                for _ in range(share):
                    connection.send(request)
                    status = connection.read().status
                    with lock:
                        statuses.append(status)
        threads = [threading.Thread(target=ask, args=(share,)) for share in shares]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual((len(statuses), statuses.count(200), statuses.count(429)), (1000, 100, 900))
        self.assertEqual(len(app.heads("/things")), 100)
