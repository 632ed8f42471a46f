"""Gates that share a Redis, and what tests ask of them."""
import re
import threading

from common import Case, token
from harness.client import JSON, bearer, compose
from harness.process import wait_for
from harness.redis import Redis

NAMESPACE = "og:test"
WORKERS = 2
# Of one check. A machine that is busy with other tests may take more than the usual 25 ms for a round trip.
DEADLINE = "250ms"


def id_of(name):
    """An organisation's id: behind its prefix are letters and digits alone."""
    return "org_" + re.sub("[^0-9A-Za-z]", "", name.removeprefix("org_"))


def api(rate="5/1m", **more):
    """A config with one limit on everything."""
    return {"limits": {"api": {"rate": rate, **more}}, "default": {"access": "org", "limits": ["api"]}}


def route(name, **more):
    return {"name": name, "paths": [f"/{name}"], "access": "org", "limits": [name], **more}


def of_metric(metrics, family, **labels):
    """The sum of all samples of a family that carry these labels."""
    wanted = [f'{name}="{value}"' for name, value in labels.items()]
    return sum(value for sample, value in metrics.items()
               if sample.partition("{")[0] == f"orggate_{family}" and all(w in sample for w in wanted))


def items(field):
    """{name: {parameter: text}} of a RateLimit or RateLimit-Policy field."""
    found = {}
    for item in (field or "").split(", "):
        name, *parameters = item.split(";")
        found[name.strip('"')] = dict(p.split("=", 1) for p in parameters)
    return found


def remaining(answer, policy="api"):
    return int(items(answer.get("ratelimit"))[policy]["r"])


class RedisCase(Case):
    def start(self, server):
        self.addCleanup(server.close)
        return server

    def start_redis(self, **options):
        return self.start(Redis(**options))

    def start_member(self, section, changes, app=None, **options):
        """A gate of the fleet, connected on all workers."""
        gate = self.start_alone(section, changes, app, **options)
        self.wait_until_connected(gate, gate.config["workers"])
        return gate

    def start_alone(self, section, changes, app=None, **options):
        """A gate that may find no Redis."""
        url = (app or self.start_app()).url
        section = {"namespace": NAMESPACE, "deadline": DEADLINE, **section}
        section = {name: value for name, value in section.items() if value is not None}
        return self.start_gate(url, {"admin": "off", "workers": WORKERS, "redis": section, **changes}, **options)

    def start_fleet(self, section, changes, count=2):
        app = self.start_app()
        return [self.start_member(section, changes, app) for _ in range(count)]

    def wait_until_connected(self, gate, connections=WORKERS):
        wait_for(lambda: self.metric(gate, "redis_connections") >= connections, "Redis to be used by all workers")

    def wait_until_left_alone(self, gate):
        wait_for(lambda: self.metric(gate, "redis_connections") == 0, "Redis to be left alone by all workers")

    @staticmethod
    def metric(gate, family, **labels):
        return of_metric(gate.metrics(), family, **labels)

    @staticmethod
    def together(jobs):
        """A list of statuses for each (gate, request, count) job, each on a connection of its own, all at once."""
        statuses, errors = [[] for _ in jobs], []

        def ask(gate, request, count, mine):
            try:
                with gate.connect() as connection:
                    for _ in range(count):
                        connection.send(request)
                        answer = connection.read()
                        mine.append(answer.status if answer else None)
            except Exception as error:  # told below
                errors.append(error)
        threads = [threading.Thread(target=ask, args=(*job, mine)) for job, mine in zip(jobs, statuses)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if errors:
            raise errors[0]
        return statuses

    @staticmethod
    def request(org, path="/api", **fields):
        return compose("GET", path, {**JSON, **bearer(token(org=id_of(org), **fields))})

    @staticmethod
    def ask(gate, org, path="/api", headers=None, **fields):
        return gate.ask(target=path, token=token(org=id_of(org), **fields), headers=headers)

    def passes(self, gates, org, path="/api", tries=12, **fields):
        """How many of `tries` pass, asked through the gates in turn; the rest are 429."""
        statuses = [self.ask(gates[i % len(gates)], org, path, **fields).status for i in range(tries)]
        passed = statuses.count(200)
        self.assertEqual(statuses, [200] * passed + [429] * (tries - passed))
        return passed

    def check_unavailable(self, answer):
        """The refusal of `on_error: closed`."""
        self.check_refusal(answer, 503, "limiter_unavailable")
        self.assertIn(int(answer.get("retry-after")), range(1, 6))
        self.assertIsNone(answer.get("ratelimit"))
        self.assertEqual(answer.get("content-type"), "application/problem+json")
        self.assertRegex(answer.body.decode(), r'"type":"https://iana\.org/assignments/http-problem-types'
                                               r'#temporary-reduced-capacity".*"status":503')


def flat(lists):
    return [one for some in lists for one in some]


def log_lines(gate, *words):
    """The lines of the gate's own log that hold all the words."""
    return [line for line in gate.process.output().splitlines() if all(re.search(w, line) for w in words)]
