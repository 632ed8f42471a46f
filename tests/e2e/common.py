"""What the end-to-end tests start: the gate, a simulated Clerk, a protected service."""
import atexit
import functools
import json
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from harness.clerk import Clerk  # noqa: E402
from harness.gate import Gate  # noqa: E402
from harness.process import SANITIZER  # noqa: E402
from harness.upstreams import App, Nginx  # noqa: E402

# Figures of memory and time mean nothing in an instrumented program.
figures = unittest.skipIf(SANITIZER, "a figure of the plain build")


@functools.cache
def shared_clerk():
    """One for all tests that leave its keys and faults alone."""
    clerk = Clerk()
    atexit.register(clerk.close)
    return clerk


tokens = {}


def token(**fields):
    """A token of the shared instance, by default a good one that outlives the suite."""
    key = json.dumps(fields, sort_keys=True)
    if key not in tokens:
        tokens[key] = shared_clerk().mint(**{"ttl": 3600, **fields})
    return tokens[key]


def token_without_org(**fields):
    return token(org=None, **fields)


class Case(unittest.TestCase):
    """Starts things that are stopped and checked when the test is over, last one first."""

    def start_clerk(self):
        clerk = Clerk()
        self.addCleanup(clerk.close)
        return clerk

    def start_app(self, **options):
        app = App(**options)
        self.addCleanup(app.close)
        return app

    def start_gate(self, upstream, changes=None, clerk=None, wait=True, **options):
        """Serves and, unless told not to wait, has its keys."""
        clerk = clerk or shared_clerk()
        gate = Gate(clerk, upstream, changes, **options)
        self.addCleanup(gate.close)
        return gate.wait_for_keys(clerk.mint(key="foreign", kid="current")) if wait else gate

    def check_refusal(self, answer, status, code):
        """An answer of ours: its status, and its code where a machine looks for it."""
        self.assertIsNotNone(answer, "the connection ended without an answer")
        self.assertEqual(answer.status, status, answer.raw[:2000])
        proxy_status = answer.all("proxy-status")
        self.assertEqual(len(proxy_status), 1, answer.raw[:2000])
        self.assertRegex(proxy_status[0], rf'^orggate; error=[a-z_]+; details="{code}"$')

    def check_allowed(self, answer, status=200):
        self.assertIsNotNone(answer, "the connection ended without an answer")
        self.assertEqual(answer.status, status, answer.raw[:2000])
        self.assertEqual(answer.all("proxy-status"), [])


class SharedGate(Case):
    """One gate before one app for all tests of a class; `changes` is its config."""

    changes = {}
    upstream = None

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.app = App()
        cls.addClassCleanup(cls.app.close)
        cls.gate = Gate(shared_clerk(), cls.app.url, cls.changes)
        cls.addClassCleanup(cls.gate.close)
        cls.gate.wait_until_ready()
