"""Clerk's signing keys through rotations and outages."""
import collections
import threading

from common import Case
from harness.process import wait_for

ROUTES = {"routes": [{"name": "public", "paths": ["/public(.*)"], "access": "public"}]}


class Keys(Case):
    def start(self, changes=None, before=None):
        """`before` spoils the instance first; then there are no keys to wait for."""
        self.clerk, self.app = self.start_clerk(), self.start_app()
        if before:
            before(self.clerk)
        self.gate = self.start_gate(self.app.url, changes or ROUTES, clerk=self.clerk, wait=before is None)

    def key_set_requests(self):
        return self.clerk.counters().get("/.well-known/jwks.json", 0)

    def under_load(self, change, clients=6):
        """Requests with fresh tokens before, during and after `change()`; gives how many met which status."""
        statuses, over, lock = collections.Counter(), threading.Event(), threading.Lock()
        first = self.clerk.mint()
        self.assertEqual(self.gate.ask(target="/things", token=first).status, 200)

        def ask():
            while not over.is_set():
                status = self.gate.ask(target="/things", token=self.clerk.mint()).status
                with lock:
                    statuses[status] += 1
        threads = [threading.Thread(target=ask) for _ in range(clients)]
        for thread in threads:
            thread.start()
        try:
            wait_for(lambda: statuses.total() > 30, "load before")
            change()
            after = statuses.total()
            wait_for(lambda: statuses.total() > after + 60, "load after")
        finally:
            over.set()
            for thread in threads:
                thread.join()
        return statuses

    def test_a_new_key_published_before_its_use_loses_no_request(self):
        self.start()
        self.gate.wait_until_ready()

        def rotate():
            self.clerk.rotate("publish-next")
            self.clerk.rotate("activate")
        statuses = self.under_load(rotate)
        self.assertEqual(set(statuses), {200}, statuses)
        # One fetch at the start, one for the unknown key id: not one for each request.
        self.assertLessEqual(self.key_set_requests(), 3)
        self.assertEqual(self.clerk.counters()["key_set_requests_at_once"], 1)

    def test_a_key_replaced_at_once_loses_no_new_token(self):
        self.start()
        self.gate.wait_until_ready()
        old = self.clerk.mint()

        def rotate():
            self.clerk.rotate("immediate")
        statuses = self.under_load(rotate)
        # A token minted just before the change is refused once its key has left the set.
        self.assertLessEqual(sum(n for status, n in statuses.items() if status != 200), 6, statuses)
        self.assertTrue(set(statuses) <= {200, 401}, statuses)
        self.check_allowed(self.gate.ask(target="/things", token=self.clerk.mint()))
        self.check_refusal(self.gate.ask(target="/things", token=old), 401, "token_key_unknown")

    def test_made_up_key_ids_cost_clerk_nearly_nothing(self):
        self.start()
        self.gate.wait_until_ready()
        good, before = self.clerk.mint(ttl=600), self.key_set_requests()
        for i in range(60):
            bogus = self.clerk.mint(key="foreign", kid=f"ins_madeUp{i}")
            self.check_refusal(self.gate.ask(target="/things", token=bogus), 401, "token_key_unknown")
        self.check_allowed(self.gate.ask(target="/things", token=good))
        self.assertLessEqual(self.key_set_requests() - before, 2)

    def test_clerk_down_at_start_is_503_until_it_is_back(self):
        self.start(before=lambda clerk: clerk.fault("down"))
        good = self.clerk.mint(ttl=600)
        self.check_refusal(self.gate.ask(target="/things", token=good), 503, "keys_unavailable")
        self.check_allowed(self.gate.ask(target="/public/x"))
        self.assertEqual(self.gate.telemetry("/readyz").status, 503)
        self.assertEqual(self.gate.telemetry("/startupz").status, 200)
        self.assertEqual(self.gate.telemetry("/healthz").status, 200)
        self.clerk.fault(None)
        wait_for(lambda: self.gate.ask(target="/things", token=good).status == 200, "the keys to come")
        self.gate.wait_until_ready()

    def test_every_way_clerk_can_be_broken_at_start_is_no_keys(self):
        self.start(before=lambda clerk: clerk.fault("500"))
        good = self.clerk.mint(ttl=600)
        for mode in ("500", "404", "garbage", "html", "empty", "truncated", "down"):
            with self.subTest(mode):
                self.clerk.fault(mode)
                self.check_refusal(self.gate.ask(target="/things", token=good), 503, "keys_unavailable")

    def test_clerk_down_midway_changes_nothing_for_known_keys(self):
        self.start()
        self.gate.wait_until_ready()
        good = self.clerk.mint(ttl=600)
        self.check_allowed(self.gate.ask(target="/things", token=good))
        for mode in ("down", "500", "garbage", "empty"):
            with self.subTest(mode):
                self.clerk.fault(mode)
                # An unknown key id makes it ask, in vain; what is known stays.
                bogus = self.clerk.mint(key="foreign", kid=f"ins_unknown_{mode}")
                self.check_refusal(self.gate.ask(target="/things", token=bogus), 401, "token_key_unknown")
                self.check_allowed(self.gate.ask(target="/things", token=good))
                self.check_allowed(self.gate.ask(target="/things", token=self.clerk.mint()))
                self.assertEqual(self.gate.telemetry("/readyz").status, 200)

    def test_a_slow_clerk_holds_nobody_longer_than_two_seconds(self):
        self.start()
        self.gate.wait_until_ready()
        self.clerk.fault("slow", delay_ms=8000)
        import time
        began = time.monotonic()
        bogus = self.clerk.mint(key="foreign", kid="ins_slow")
        self.check_refusal(self.gate.ask(target="/things", token=bogus), 401, "token_key_unknown")
        self.assertLess(time.monotonic() - began, 4)
        self.check_allowed(self.gate.ask(target="/things", token=self.clerk.mint()))

    def test_a_clerk_of_another_authority_is_never_believed(self):
        self.clerk, self.app = self.start_clerk(), self.start_app()
        other = self.start_clerk()
        section = {**self.clerk.config(), "jwks_ca_file": str(other.ca_file)}
        self.gate = self.start_gate(self.app.url, {"clerk": section}, clerk=self.clerk, wait=False)
        self.check_refusal(self.gate.ask(target="/things", token=self.clerk.mint()), 503, "keys_unavailable")

    def test_a_pem_needs_no_network_at_all(self):
        self.clerk, self.app = self.start_clerk(), self.start_app()
        pem = self.clerk.scratch.write("jwt.pem", self.clerk.public_pem())
        self.gate = self.start_gate(
            self.app.url, {"clerk": {"jwt_key_file": str(pem), "jwks_url": None, "jwks_ca_file": None}}, clerk=self.clerk)
        connections = self.clerk.counters().get("connections")
        self.check_allowed(self.gate.ask(target="/things", token=self.clerk.mint()))
        self.check_refusal(self.gate.ask(target="/things", token=self.clerk.mint(key="foreign")), 401, "token_signature")
        self.assertEqual(self.key_set_requests(), 0)
        # Ours alone: each call to the simulator is one.
        self.assertLessEqual(self.clerk.counters()["connections"] - connections, 4)

    def test_with_a_secret_key_the_api_is_asked_and_nothing_else(self):
        from harness.clerk import SECRET_KEY
        self.clerk, self.app = self.start_clerk(), self.start_app()
        secret = self.clerk.scratch.write("secret", SECRET_KEY + "\n")
        self.gate = self.start_gate(self.app.url, {"clerk": {
            "secret_key_file": str(secret), "api_url": self.clerk.url, "jwks_url": None}}, clerk=self.clerk)
        self.gate.wait_until_ready()
        self.check_allowed(self.gate.ask(target="/things", token=self.clerk.mint()))
        counters = self.clerk.counters()
        self.assertGreaterEqual(counters.get("/v1/jwks", 0), 1)
        self.assertEqual(counters.get("/.well-known/jwks.json", 0), 0)
