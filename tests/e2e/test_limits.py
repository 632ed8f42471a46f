"""Limits in memory, as an organisation meets them."""
import json
import threading
import time

from common import Case, SharedGate, token
from harness.client import bearer, compose
from harness.process import wait_for

LIMITS = {
    "limits": {
        "api": {"rate": "5/1m"},
        "brief": {"rate": "3/1s"},
        "burst": {"rate": ["2/1s", "4/1m"]},
        "tiered": {"rate": "1/1m", "plans": {"pro": "3/1m", "max": "6/1m"}},
        "rehearsed": {"rate": "1/1m", "shadow": True},
    },
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
    ],
}


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
        self.assertIn(int(refused.get("retry-after")), range(1, 61))
        self.assertEqual(json.loads(refused.body)["violated-policies"], ["api"])

    def test_the_window_slides(self):
        credential = token(org="org_slide")
        self.assertEqual(self.allowed("/brief", credential, 4), 3)
        wait_for(lambda: self.gate.ask(target="/brief", token=credential).status == 200, "the window to slide")


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
