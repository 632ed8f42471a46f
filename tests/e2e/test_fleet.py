"""Several gates and one Redis: what all of them admit together."""
import os
import pathlib

from common import Case, figures, shared_clerk
from harness.client import bearer, compose
from harness.load import admitted, hammer, most_in_a_span
from harness.process import ROOT
from harness.redis import Redis
from harness.upstreams import Nginx

LONG = bool(os.environ.get("ORGGATE_LONG"))
CLOCKS = [0, 600, -600, 37, -86]  # seconds by which the machines' clocks are off


def shifted(seconds):
    library = os.environ.get("SHIFTED_CLOCK_LIB") or ROOT / "build/debug/tests/libshifted_clock.so"
    if not pathlib.Path(library).exists():
        raise FileNotFoundError(f"{library}: build it, or say where it is in SHIFTED_CLOCK_LIB")
    return {"LD_PRELOAD": str(library), "SHIFTED_CLOCK": str(seconds)}


class Fleet(Case):
    """Five processes whose clocks disagree."""

    def start_fleet(self, limits, routes):
        redis = Redis()
        self.addCleanup(redis.close)
        app = Nginx()
        self.addCleanup(app.close)
        # Keys as PEM: to a clock that is late, the simulated Clerk's certificate is not valid yet.
        keys = {"jwt_key": shared_clerk().public_pem(), "jwks_url": None, "jwks_ca_file": None}
        return [self.start_gate(app.url, {
            "clerk": keys, "limits": limits, "routes": routes, "redis": redis.config(deadline="250ms", fleet=len(CLOCKS)),
            "admin": "off",
        }, environment=shifted(seconds)).wait_until_ready() for seconds in CLOCKS]

    def hammer_organisations(self, gates, path, count, seconds, **options):
        """{organisation: [(sent, received) of what was admitted]}, each asked through every gate."""
        organisations = [f"org_fleet{i}" for i in range(count)]
        # Good for the slowest clock and for the fastest.
        tokens = {org: shared_clerk().mint(org=org, ttl=7200, iat=-3600, nbf=-3600) for org in organisations}
        jobs = [(gate.port, compose("GET", path, bearer(tokens[org]))) for org in organisations for gate in gates]
        answers = hammer(jobs, seconds, **options)
        events = {org: [] for org in organisations}
        for i, answered in enumerate(answers):
            self.assertLessEqual({status for *_, status in answered}, {200, 429})
            events[organisations[i // len(gates)]] += admitted(answered)
        return events

    @figures
    def test_no_span_of_the_window_holds_more_than_the_limit_and_little_of_it_is_lost(self):
        limit, window, windows = 120, 6, 10 if LONG else 4
        gates = self.start_fleet({"api": {"rate": f"{limit}/{window}s"}},
                                 [{"name": "api", "paths": ["/api"], "access": "org", "limits": ["api"]}])
        events = self.hammer_organisations(gates, "/api", 20, window * windows)
        worst = max(most_in_a_span(e, window) for e in events.values())
        least = min(len(e) for e in events.values()) / (limit * windows)
        print(f"\n  exact: 20 organisations, 5 gates: at most {worst} of {limit} in {window} s; "
              f"at least {least:.1%} of the limit admitted")
        self.assertLessEqual(worst, limit)
        self.assertGreaterEqual(least, 0.98)

    @figures
    def test_leases_keep_the_limit_and_most_of_it_is_used(self):
        limit, window, count = 6000, 60, 20 if LONG else 4
        gates = self.start_fleet({"api": {"rate": f"{limit}/1m", "mode": "leased"}},
                                 [{"name": "api", "paths": ["/api"], "access": "org", "limits": ["api"]}])
        events = self.hammer_organisations(gates, "/api", count, window - 1, depth=8, rest=0.2)
        worst = max(most_in_a_span(e, window) for e in events.values())
        least = min(len(e) for e in events.values()) / limit
        print(f"\n  leased: {count} organisations, 5 gates: at most {worst} of {limit} in {window} s; "
              f"at least {least:.1%} of the limit admitted")
        self.assertLessEqual(worst, limit)
        self.assertGreaterEqual(least, 0.95)
