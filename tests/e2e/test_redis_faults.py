"""Redis in trouble: no request fails, none waits past the deadline, and all is well again afterwards."""
import contextlib
import sys
import threading
import time
import traceback

from common import figures, shared_clerk
from harness.fake_redis import FakeRedis, answers, byte_by_byte, closes, half_close, huge_array, says, silence
from harness.load import hammer
from harness.process import PATIENCE, SANITIZER, Process, Scratch, wait_for
from harness.redis import RIGHTS
from harness.resp import Client, Refused
from redis_cases import NAMESPACE, WORKERS, RedisCase, flat, of_metric, remaining, route

SECRET = "staple-of-the-gates"
LIMIT, FLEET = 10, 2
SHARE = LIMIT // FLEET
POLICIES = ("local", "open", "closed")
CHANGES = {
    "limits": {name: {"rate": f"{LIMIT}/1m", "on_error": name} for name in POLICIES},
    "routes": [route(name) for name in POLICIES],
}
# A check takes well under a millisecond; what is longer is the machine's doing.
DEADLINE = 0.1
LONG = 10 if SANITIZER else 2  # seconds that no answer may take, whatever the machine does


class Watchman:
    """Sleeps a millisecond again and again: how late that gets is the machine's lateness, not the gate's."""

    CODE = """
import sys, time
worst = 0
while True:
    began = time.monotonic()
    time.sleep(0.001)
    late = time.monotonic() - began - 0.001
    if late > worst:
        worst = late
        print(worst, flush=True)
"""

    def __init__(self):
        self.scratch = Scratch()
        self.process = Process([sys.executable, "-c", self.CODE], self.scratch.path / "log")

    def worst(self):
        """Seconds, so far."""
        return float(([0] + self.process.output().split())[-1])

    def close(self):
        self.process.stop()
        self.scratch.close()


class FaultCase(RedisCase):
    def setUp(self):
        self.watchman = self.start(Watchman())

    def start_guarded(self, section, **changes):
        """A gate with a limit of each policy."""
        return self.start_alone({**section, "fleet": FLEET, "deadline": f"{DEADLINE * 1000:.0f}ms"},
                                {**CHANGES, **changes})

    def press(self, gate, org):
        """Some load on every policy; no answer is a failure of ours, none comes late."""
        jobs = [(gate, self.request(org, f"/{policy}"), 5) for policy in POLICIES for _ in range(6)]
        began = time.monotonic()
        for policy, allowed in (("local", {200, 429}), ("open", {200, 429}), ("closed", {200, 429, 503})):
            statuses = flat(self.together([job for job in jobs if f"/{policy} ".encode() in job[1]]))
            self.assertEqual(len(statuses), 30)
            self.assertLessEqual(set(statuses), allowed, policy)
        self.assertLess(time.monotonic() - began, 3 * LONG)

    def check_policies(self, gate, org, known=0):
        """What on_error says, to the unit, of an organisation of which the gate admitted `known` just before."""
        self.assertEqual(self.passes([gate], org, "/local", SHARE + 3), SHARE - known)
        for _ in range(LIMIT + 2):
            answer = self.ask(gate, org, "/open")
            self.check_allowed(answer)
            self.assertEqual((answer.get("ratelimit"), answer.get("x-ratelimit-limit")), (None, None))
            self.check_unavailable(self.ask(gate, org, "/closed"))

    def wait_until_away(self, gate):
        """Until Redis answers nothing; it may still be asked."""
        wait_for(lambda: self.ask(gate, "org_away", "/closed").status == 503, "Redis to be away")

    def check_well(self, gate, org, left=LIMIT):
        for policy in POLICIES:
            self.assertEqual(self.passes([gate], org, f"/{policy}", LIMIT + 2), left, policy)

    def check_nothing_is_wrong(self, gate):
        metrics = gate.metrics()
        self.assertEqual(of_metric(metrics, "exceptions_total"), 0)
        if not SANITIZER and self.watchman.worst() < 0.003:
            self.assertEqual(of_metric(metrics, "limiter_waits_over_deadline_total"), 0)
        waits = of_metric(metrics, "limiter_wait_seconds_count")
        self.assertGreater(waits, 0)
        # However busy the machine is.
        self.assertEqual(of_metric(metrics, "limiter_wait_seconds_bucket", le="2.5" if SANITIZER else "0.5"), waits)


    def at_once(self, rows, start, suffer, lanes=4):
        """Every row {name: what}, in lanes that wait for their own recoveries; each lane has what `start` gives."""
        shared_clerk()  # before threads could start one each
        names, problems, lock = list(rows), [], threading.Lock()

        def run():
            try:
                world = start()
                while True:
                    with lock:
                        if not names:
                            return
                        name = names.pop(0)
                    try:
                        suffer(world, name, rows[name])
                    except Exception:
                        problems.append(f"{name}: {traceback.format_exc()}")
            except Exception:
                problems.append(traceback.format_exc())
        threads = [threading.Thread(target=run) for _ in range(lanes)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if problems:
            self.fail("\n".join(problems))


class Fault:
    """`keeps`: Redis has its data afterwards. `opens`: the breaker opens (else the connection is given up)."""

    def __init__(self, begin, end, keeps=True, opens=True):
        self.begin, self.end, self.keeps, self.opens = begin, end, keeps, opens


def setting(name, bad, good):
    return Fault(lambda redis: redis.call("CONFIG", "SET", name, bad),
                 lambda redis: redis.call("CONFIG", "SET", name, good))


def rights(bad, good):
    def begin(redis):
        redis.call("ACL", "SETUSER", "orggate", *bad)
        redis.kill_clients()
    return Fault(begin, lambda redis: redis.call("ACL", "SETUSER", "orggate", *good))


def keep_busy(redis):
    redis.call("CONFIG", "SET", "busy-reply-threshold", 20)
    redis.busy = redis.connect()
    redis.busy.send("EVAL", "while true do end", 0)


def end_business(redis):
    redis.call("SCRIPT", "KILL")
    redis.busy.close()


def crowd(redis):
    redis.call("CONFIG", "SET", "maxclients", 1)
    redis.kill_clients()


class RealFaults(FaultCase):
    """One gate goes through all of it."""

    FAULTS = {
        "frozen": Fault(lambda redis: redis.freeze(), lambda redis: redis.thaw()),
        "paused": Fault(lambda redis: redis.pause(60), lambda redis: redis.unpause()),
        "asleep": Fault(lambda redis: redis.sleep(3), lambda redis: redis.call("PING")),
        "killed": Fault(lambda redis: redis.end(), lambda redis: redis.start(), keeps=False),
        "demoted": Fault(lambda redis: redis.demote(), lambda redis: redis.promote(), opens=False),
        "without replicas": setting("min-replicas-to-write", 1, 0),
        "out of memory": Fault(lambda redis: redis.exhaust_memory(), lambda redis: redis.grant_memory()),
        "busy": Fault(keep_busy, end_business),
        "crowded": Fault(crowd, lambda redis: redis.call("CONFIG", "SET", "maxclients", 1000)),
        "may not run scripts": rights(["-evalsha", "-eval"], ["+evalsha", "+eval"]),
        "may not write": rights(["-set"], ["+set"]),
        "another password": rights(["resetpass", ">another"], ["resetpass", f">{SECRET}"]),
    }

    def test_every_fault(self):
        worlds = []

        def start():
            redis = self.start_redis(users={"orggate": (SECRET, RIGHTS)})
            gate = self.start_guarded(redis.config(user="orggate"))
            self.wait_until_connected(gate)
            self.press(gate, "org_warm")
            worlds.append((redis, gate, self.settled_files(gate)))
            return redis, gate
        self.at_once(self.FAULTS, start, self.suffer)
        for _, gate, files in worlds:
            self.check_nothing_is_wrong(gate)
            wait_for(lambda: gate.process.open_files() <= files, f"the {files} files open before")
            self.assertNotIn(SECRET, gate.process.output())

    @staticmethod
    def settled_files(gate):
        with contextlib.suppress(TimeoutError):
            wait_for(lambda: False, "connections to close", 0.3)
        return gate.process.open_files()

    def suffer(self, world, name, fault):
        redis, gate = world
        org = "org_" + name.replace(" ", "_")
        before = gate.metrics()
        for policy in POLICIES:
            self.assertEqual([remaining(self.ask(gate, org, f"/{policy}"), policy) for _ in range(3)],
                             [LIMIT - 1, LIMIT - 2, LIMIT - 3])
        fault.begin(redis)
        try:
            self.press(gate, f"{org}_load")
            self.wait_until_away(gate)
            self.check_policies(gate, f"{org}_new")
            # It remembers what it admitted while Redis answered.
            self.assertEqual(self.passes([gate], org, "/local"), SHARE - 3)
        finally:
            fault.end(redis)
            self.wait_until_connected(gate)
        # 3 before, 2 meanwhile, and now what Redis knows of.
        self.check_well(gate, org, LIMIT - 3 if fault.keeps else LIMIT)
        self.check_well(gate, f"{org}_later")
        after = gate.metrics()
        for change in ("open", "closed") if fault.opens else ():
            changes = [of_metric(m, "redis_breaker_changes_total", to=change) for m in (before, after)]
            self.assertGreaterEqual(changes[1] - changes[0], 1, change)

    @figures
    def test_no_check_waits_longer_than_its_deadline(self):
        redis = self.start_redis()
        gate = self.start_guarded(redis.config())
        for cycle in range(5):
            self.wait_until_connected(gate)
            before, watchman = gate.metrics(), self.start(Watchman())
            redis.freeze()
            for number in range(16):
                self.check_unavailable(self.ask(gate, f"org_cycle{cycle}x{number}", "/closed"))
            redis.thaw()
            after, worst = gate.metrics(), watchman.worst()
            watchman.close()
            late, waits, waited = (of_metric(after, name) - of_metric(before, name) for name in (
                "limiter_waits_over_deadline_total", "limiter_wait_seconds_count", "limiter_wait_seconds_sum"))
            # Some waited for all of it, and once the breaker is open nobody waits.
            self.assertGreater(waited, 2 * DEADLINE)
            self.assertLess(waited, 0.9 * waits * DEADLINE)
            if worst < 0.003:
                self.assertEqual(late, 0)
                return
        self.skipTest("the machine is too busy to tell")

    def test_lost_scripts_are_not_noticed(self):
        redis = self.start_redis()
        gate = self.start_guarded(redis.config())
        self.wait_until_connected(gate)
        for number in range(3):
            redis.flush_scripts()
            self.check_well(gate, f"org_flushed{number}")
        self.assertEqual(self.metric(gate, "limit_decisions_total", outcome="fallback_allowed"), 0)
        self.check_nothing_is_wrong(gate)

    def test_a_lost_connection_is_made_again(self):
        redis = self.start_redis()
        gate = self.start_guarded(redis.config())
        self.wait_until_connected(gate)
        for number in range(3):
            connects = self.metric(gate, "redis_connects_total")
            redis.kill_clients()
            self.press(gate, f"org_load{number}")
            wait_for(lambda: self.metric(gate, "redis_connects_total") >= connects + WORKERS, "new connections")
            self.wait_until_connected(gate)
            self.check_well(gate, f"org_killed{number}")
        self.check_nothing_is_wrong(gate)

    def test_forgotten_counters_are_at_most_as_much_again(self):
        redis = self.start_redis()
        gate = self.start_guarded(redis.config())
        self.wait_until_connected(gate)
        self.assertEqual(self.passes([gate], "org_forgotten", "/local", 4), 4)
        redis.flush()
        self.assertEqual(self.passes([gate], "org_forgotten", "/local"), LIMIT)

    def test_it_starts_without_redis_and_takes_it_up(self):
        redis = self.start_redis()
        redis.end()
        gate = self.start_guarded(redis.config()).wait_until_ready()
        self.check_policies(gate, "org_early")
        redis.start()
        self.wait_until_connected(gate)
        self.check_well(gate, "org_early_later")
        # Redis knows nothing of what passed without it.
        self.assertEqual(self.passes([gate], "org_early", "/local"), LIMIT)
        self.check_nothing_is_wrong(gate)

    def test_a_fleet_without_redis_admits_no_more_than_the_limit(self):
        redis = self.start_redis()
        redis.end()
        gates = [self.start_guarded(redis.config()) for _ in range(FLEET)]
        self.assertEqual([self.passes([gate], "org_apart", "/local") for gate in gates], [SHARE] * FLEET)

    def test_the_fleet_is_counted_and_its_size_is_remembered(self):
        redis = self.start_redis()
        gates = [self.start_alone({**redis.config(), "deadline": "100ms"}, CHANGES) for _ in range(2)]
        for gate in gates:
            self.wait_until_connected(gate)
            wait_for(lambda: self.metric(gate, "fleet_processes") == 2, "the fleet to be counted")
        redis.end()
        for gate in gates:
            self.wait_until_left_alone(gate)
        self.assertEqual([self.passes([gate], "org_counted", "/local") for gate in gates], [LIMIT // 2] * 2)
        redis.start()
        for gate in gates:
            self.wait_until_connected(gate)
        wait_for(lambda: redis.call("ZCARD", f"{NAMESPACE}:f1:{{fleet}}:members") == 2, "both to be there again")
        self.assertEqual(self.passes(gates, "org_counted_later", "/local"), LIMIT)
        # Who leaves says so.
        gates[0].process.stop()
        wait_for(lambda: self.metric(gates[1], "fleet_processes") == 1, "one to have left")

    @figures
    def test_twenty_thousand_requests_through_a_fault_leave_nothing_behind(self):
        redis = self.start_redis()
        gate = self.start_guarded(redis.config())
        self.wait_until_connected(gate)
        request = self.request("org_many", "/open")
        hammer([(gate.port, request)] * 8, 1, depth=16)
        files, memory = self.settled_files(gate), gate.process.resident_kib()
        answered = 0
        for begin, end in ((redis.freeze, redis.thaw), (redis.end, redis.start)):
            begin()
            since = time.monotonic()
            while answered < 20_000 and time.monotonic() < since + PATIENCE:
                answers_of_all = hammer([(gate.port, request)] * 8, 1, depth=16)
                statuses = {status for one in answers_of_all for *_, status in one}
                self.assertLessEqual(statuses, {200, 429})
                answered += sum(map(len, answers_of_all))
                if begin == redis.freeze and answered > 10_000:
                    break
            end()
            self.wait_until_connected(gate)
        self.assertGreaterEqual(answered, 20_000)
        wait_for(lambda: gate.process.open_files() <= files, f"the {files} files open before")
        self.assertLess(gate.process.resident_kib(), memory + 6 * 1024)
        self.check_nothing_is_wrong(gate)


class Relay:
    """For a FakeRedis: asks a real server, so that its answers can be spoilt on the way."""

    def __init__(self, redis):
        self.redis = redis

    def value(self, words):
        with Client(self.redis.port) as client:
            try:
                return client.call(*words)
            except Refused as refused:
                return refused

    def __call__(self, peer, words):
        peer.reply(self.value(words))


class FakeFaults(FaultCase):
    """A server that answers what no server would."""

    def start_fake(self):
        """Passes everything on to a real server until it is told otherwise."""
        fake = self.start(FakeRedis())
        fake.relay = Relay(self.start_redis())
        self.behave(fake)
        return fake

    @staticmethod
    def behave(fake):
        fake.on_connect = None
        for name in ("EVALSHA", "EVAL", "SCRIPT", "PING", "ROLE"):
            fake.on(name, fake.relay)

    def start_world(self):
        fake = self.start_fake()
        gate = self.start_guarded(fake.config())
        self.wait_until_connected(gate)
        return fake, gate

    # What is said to a script instead of its answer.
    ANSWERS = {
        "another protocol": says(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"),
        "zeros": says(bytes(64)),
        "a huge array": huge_array(),
        "a huge text": says(b"$536870912\r\n"),
        "a text that never ends": says(b"$65536\r\n" + b"x" * 100),
        "a line that never ends": says(b"+" + b"x" * 100_000),
        "arrays in arrays": says(b"*1\r\n" * 64),
        "RESP 3": says(b"%1\r\n+a\r\n:1\r\n"),
        "nothing": answers(None),
        "a word": answers("yes"),
        "an empty array": answers([]),
        "an array of words": answers(["a", "b", "c"]),
        "too few numbers": answers([1]),
        "too many numbers": answers(list(range(500))),
        "large numbers": answers([2 ** 63 - 1] * 6),
        "small numbers": answers([-2 ** 63] * 6),
        "negative numbers": answers([-1] * 6),
        "an unknown error": answers(Refused("WEIRD something")),
        "a redirection to nowhere": answers(Refused("MOVED 99999 nowhere:0")),
        "a redirection outside a Cluster": answers(Refused("MOVED 1 127.0.0.1:1")),
        "an error that quotes nonsense": answers(Refused("ERR \x1b[31m\"\\ " + "y" * 5000)),
        "silence": silence,
        "half a close": half_close,
        "a close": closes,
    }
    # Of these, numbers that could be an answer are no fault.
    MAY_PASS = {"large numbers", "small numbers", "negative numbers"}

    def test_no_answer_of_a_server_breaks_anything(self):
        self.at_once(self.ANSWERS, self.start_world, self.hear)

    def hear(self, world, name, script):
        fake, gate = world
        org = "org_fake" + name
        for command in ("EVALSHA", "EVAL"):
            fake.on(command, script)
        self.press(gate, org + "load")
        if name not in self.MAY_PASS:
            self.wait_until_away(gate)
            self.assertEqual(self.passes([gate], org, "/local", SHARE + 1), SHARE)
            self.check_allowed(self.ask(gate, org, "/open"))
            self.check_unavailable(self.ask(gate, org, "/closed"))
        self.behave(fake)
        self.wait_until_connected(gate)
        self.check_well(gate, org + "later")
        self.check_nothing_is_wrong(gate)

    # What happens to those who connect.
    GREETINGS = {
        "a close": lambda peer: False,
        "an error unasked": lambda peer: peer.send(b"-ERR max number of clients reached\r\n") or False,
        "garbage unasked": lambda peer: peer.send(b"\x16\x03\x01\x02\x00") or None,
        "an answer unasked": lambda peer: peer.send(b"+OK\r\n") or None,
    }

    def test_no_greeting_of_a_server_breaks_anything(self):
        self.at_once(self.GREETINGS, self.start_world, self.be_greeted)

    def be_greeted(self, world, name, greet):
        fake, gate = world
        org = "org_greet" + name
        fake.on_connect = greet
        fake.drop_connections()
        self.press(gate, org + "load")
        self.wait_until_away(gate)
        self.check_policies(gate, org)
        self.behave(fake)
        fake.drop_connections()
        self.wait_until_connected(gate)
        self.check_well(gate, org + "later")
        self.check_nothing_is_wrong(gate)

    def test_an_answer_may_come_byte_by_byte(self):
        fake = self.start_fake()
        gate = self.start_guarded(fake.config())
        self.wait_until_connected(gate)
        fake.on("EVALSHA", lambda peer, words: byte_by_byte(fake.relay.value(words))(peer, words))
        self.check_well(gate, "org_slowly")
        self.assertEqual(self.metric(gate, "limit_decisions_total", outcome="fallback_allowed"), 0)

    def test_a_late_answer_never_answers_another_request(self):
        fake = self.start_fake()
        gate = self.start_guarded(fake.config(), workers=1)
        self.wait_until_connected(gate, 1)
        seen = []

        def late_for_one(peer, words):
            value = fake.relay.value(words)
            if any("{org_late}" in word for word in words):
                seen.append(value)
                time.sleep(2.5 * DEADLINE)
            peer.reply(value)
        # Redis knows this one as used up, and the gate does not.
        with self.subTest("preparation"):
            other = self.start_guarded(fake.relay.redis.config())
            self.wait_until_connected(other)
            self.assertEqual(self.passes([other], "org_late", "/closed"), LIMIT)
        fake.on("EVALSHA", late_for_one)
        for number in range(4):
            with gate.connect() as first, gate.connect() as second:
                first.send(self.request("org_late", "/closed"))
                # Its answer is the refusal that comes behind this one's question, on the same connection.
                self.check_unavailable(first.read())
                time.sleep(0.8 * DEADLINE)
                second.send(self.request(f"org_prompt{number}", "/closed"))
                answer = second.read()
                self.assertIn(answer.status, (200, 503))
                if answer.status == 200:
                    self.assertEqual(remaining(answer, "closed"), LIMIT - 1)
            self.wait_until_connected(gate, 1)
        self.assertGreaterEqual(len(seen), 1)
        self.check_well(gate, "org_punctual")

    def test_two_answers_to_one_question_answer_nobody_else(self):
        fake = self.start_fake()
        gate = self.start_guarded(fake.config(), workers=1)
        self.wait_until_connected(gate, 1)
        used_up = []

        def twice(peer, words):
            value = fake.relay.value(words)
            peer.reply(value)
            if any("{org_doubled}" in word for word in words):
                used_up.append(value)
                peer.reply(value)
        self.assertEqual(self.passes([gate], "org_doubled", "/closed", LIMIT), LIMIT)
        fake.on("EVALSHA", twice)
        self.assertEqual(self.ask(gate, "org_doubled", "/closed").status, 429)
        for number in range(5):
            answer = self.ask(gate, f"org_single{number}", "/closed")
            self.assertIn(answer.status, (200, 503))
            if answer.status == 200:
                self.assertEqual(remaining(answer, "closed"), LIMIT - 1)
        self.assertEqual(len(used_up), 1)
        self.wait_until_connected(gate, 1)
        self.check_well(gate, "org_single_later")
