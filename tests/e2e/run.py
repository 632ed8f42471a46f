#!/usr/bin/env python3
"""Runs the end-to-end suite: the real binary, the simulated Clerk, real upstreams.

usage: tests/e2e/run.py [WORD ...]     only tests whose id holds one of the words
       --slow                          says which tests took longest
environment: ORGGATE_BIN, CLERK_SIM_BIN (build/debug/…), ORGGATE_SANITIZER (asan, tsan)
"""
import pathlib
import resource
import sys
import time
import unittest

here = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(here))


class Result(unittest.TextTestResult):
    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        self.passed, self.times, self.began = 0, [], 0

    def startTest(self, test):
        super().startTest(test)
        self.began = time.monotonic()

    def stopTest(self, test):
        super().stopTest(test)
        self.times.append((time.monotonic() - self.began, test.id()))

    def addSuccess(self, test):
        super().addSuccess(test)
        self.passed += 1


def flatten(suite):
    for test in suite:
        if isinstance(test, unittest.TestSuite):
            yield from flatten(test)
        else:
            yield test


def main(arguments):
    words = [a for a in arguments if not a.startswith("--")]
    # A thousand connections from here, as many to there.
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))

    found = unittest.defaultTestLoader.discover(str(here), "test_*.py", top_level_dir=str(here))
    suite = unittest.TestSuite(t for t in flatten(found) if not words or any(w in t.id() for w in words))
    runner = unittest.TextTestRunner(stream=sys.stdout, resultclass=Result, verbosity=2)
    result = runner.run(suite)
    failed = len(result.failures) + len(result.errors) + len(result.unexpectedSuccesses)
    if "--slow" in arguments:
        for seconds, name in sorted(result.times, reverse=True)[:12]:
            print(f"{seconds:6.1f} s  {name}")
    for test, why in result.skipped:
        print(f"skipped: {test.id()}: {why}")
    print(f"e2e: {result.passed} passed, {failed} failed")
    return 0 if failed == 0 and result.passed else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
