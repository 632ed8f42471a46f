"""Several gates and one Redis: what all of them admit together."""
import os
import pathlib

from common import Case, figures, shared_clerk
from harness.client import bearer, compose
from harness.load import admitted, hammer, hammer_in_background, most_in_a_span
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

    def jobs(self, gates, path, organisations):
        """Each organisation asked through every gate. Tokens that are good for the slowest clock and the fastest."""
        tokens = {org: shared_clerk().mint(org=org, ttl=7200, iat=-3600, nbf=-3600) for org in organisations}
        return [(gate.port, compose("GET", path, bearer(tokens[org]))) for org in organisations for gate in gates]

    def events(self, gates, organisations, answers):
        """{organisation: [(sent, received) of what was admitted]}"""
        events = {org: [] for org in organisations}
        for i, answered in enumerate(answers):
            self.assertLessEqual({status for *_, status in answered}, {200, 429})
            events[organisations[i // len(gates)]] += admitted(answered)
        return events

    @figures
    def test_no_span_of_the_window_holds_more_than_the_limit_and_little_of_it_is_lost(self):
        exact, brief, windows = 120, 6, 4
        leased, minute, cycles = 6000, 60, 3 if LONG else 1
        gates = self.start_fleet(
            {"exact": {"rate": f"{exact}/{brief}s"}, "leased": {"rate": f"{leased}/1m", "mode": "leased"}},
            [{"name": name, "paths": [f"/{name}"], "access": "org", "limits": [name]} for name in ("exact", "leased")])
        of_exact, of_leased = ([f"org_{name}{i}" for i in range(20)] for name in ("exact", "leased"))
        # Until the second cycle has begun, which the lease puts off by a second.
        background = hammer_in_background(self.jobs(gates, "/leased", of_leased), minute * cycles + 6, depth=8, rest=0.1)
        events = self.events(gates, of_exact, hammer(self.jobs(gates, "/exact", of_exact), brief * windows))
        worst = max(most_in_a_span(e, brief) for e in events.values())
        least = min(len(e) for e in events.values()) / (exact * windows)
        print(f"\n  exact: {len(of_exact)} organisations, 5 gates: at most {worst} of {exact} in {brief} s; "
              f"at least {least:.1%} of the limit admitted in {brief * windows} s")

        events = self.events(gates, of_leased, background())
        peak = max(most_in_a_span(e, minute) for e in events.values())
        # The first unit beyond the limit: when the window gave back what was spent first, and the lease let go.
        cycle = max(sorted(r for _, r in e)[leased] - min(e)[0] if len(e) > leased else float("inf")
                    for e in events.values())
        share = minute / cycle
        print(f"  leased: {len(of_leased)} organisations, 5 gates: at most {peak} of {leased} in {minute} s; "
              f"the next unit came after {cycle:.1f} s, so at least {share:.1%} of the limit is admitted")
        self.assertLessEqual(worst, exact)
        self.assertGreaterEqual(least, 0.98)
        self.assertLessEqual(peak, leased)
        self.assertGreaterEqual(share, 0.95)
