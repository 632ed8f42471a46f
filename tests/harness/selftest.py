#!/usr/bin/env python3
"""Proves that the strict reader is strict: what it lets pass, no suite can find. And that the Redis servers do what
the tests expect of them."""
import pathlib
import socket
import ssl
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from harness import fake_redis, http1, redis, redis_sets, resp  # noqa: E402
from harness.resp import Client, Refused, Status  # noqa: E402

REQUEST = b"POST /x HTTP/1.1\r\nHost: a\r\n"
RESPONSE = b"HTTP/1.1 200 OK\r\n"


class StrictReader(unittest.TestCase):
    def test_good_messages_are_taken_and_the_rest_stays(self):
        rows = [
            (REQUEST + b"\r\n", True, b""),
            (REQUEST + b"Content-Length: 5\r\n\r\nhello", True, b"hello"),
            (REQUEST + b"Transfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n", True, b"hello"),
            (RESPONSE + b"Content-Length: 0\r\n\r\n", False, b""),
        ]
        for raw, is_request, body in rows:
            with self.subTest(raw):
                message, rest = http1.take(raw + b"next", is_request)
                self.assertEqual((message.body, message.raw, rest), (body, raw, b"next"))

    def test_unfinished_messages_are_not_taken(self):
        raw = REQUEST + b"Transfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n"
        for end in range(len(raw)):
            self.assertIsNone(http1.take(raw[:end], True), raw[:end])
        self.assertIsNone(http1.take(RESPONSE + b"\r\nbody", False))
        self.assertIsNotNone(http1.take(RESPONSE + b"\r\nbody", False, eof=True))

    def test_bad_messages_are_refused(self):
        rows = [
            (b"get /x HTTP/1.1\r\nHost: a\r\n\r\n", True), (b"GET  /x HTTP/1.1\r\nHost: a\r\n\r\n", True),
            (b"GET /x y HTTP/1.1\r\nHost: a\r\n\r\n", True), (b"GET /x HTTP/1.0\r\nHost: a\r\n\r\n", True),
            (b"GET /x HTTP/1.1\r\n\r\n", True), (REQUEST + b"Host: a\r\n\r\n", True),
            (REQUEST + b"X_Org_Id: a\r\n\r\n", True), (REQUEST + b"X.Y: a\r\n\r\n", True),
            (REQUEST + b"X : a\r\n\r\n", True), (REQUEST + b"X\r\n\r\n", True), (REQUEST + b" fold\r\n\r\n", True),
            (REQUEST + b"X: a\rb\r\n\r\n", True), (REQUEST + b"X: a\nb\r\n\r\n", True), (REQUEST + b"X: a\0b\r\n\r\n", True),
            (REQUEST + b"Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello", True),
            (REQUEST + b"Content-Length: 05\r\n\r\nhello", True), (REQUEST + b"Content-Length: +5\r\n\r\nhello", True),
            (REQUEST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", True),
            (REQUEST + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", True),
            (REQUEST + b"Transfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n0\r\n\r\n", True),
            (REQUEST + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhelloXX", True),
            (REQUEST + b"Transfer-Encoding: chunked\r\n\r\n0\r\nX: trailer\r\n\r\n", True),
            (b"HTTP/1.1 099 X\r\n\r\n", False), (b"HTTP/2 200 OK\r\n\r\n", False), (b"HTTP/1.1 200\r\n\r\n", False),
            (b"HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n", False),
        ]
        for raw, is_request in rows:
            with self.subTest(raw), self.assertRaises(http1.Broken):
                http1.take(raw, is_request)


class Resp(unittest.TestCase):
    def test_what_is_encoded_is_read_back_and_the_rest_stays(self):
        for value in [None, 0, -7, 1 << 62, Status("OK"), Refused("ERR no"), "", "text", "\r\n\0\xff", [],
                      [None, [1, ["a"]], Status("b")]]:
            with self.subTest(value):
                data = resp.encode(value)
                self.assertEqual(resp.take(data + b"next"), (value, len(data)))
                self.assertIs(type(resp.take(data)[0]), type(value))
                for end in range(len(data)):
                    self.assertIsNone(resp.take(data[:end]), data[:end])
        self.assertEqual(resp.command("GET", b"\xff", 1), b"*3\r\n$3\r\nGET\r\n$1\r\n\xff\r\n$1\r\n1\r\n")

    def test_what_is_no_resp_is_refused(self):
        for data in [b"HTTP/1.1 400 no\r\n", b":x\r\n", b"$1x\r\n", b"$1\r\nabc", b"*-x\r\n", b"\r\n", b":\r\n"]:
            with self.subTest(data), self.assertRaises(resp.Broken):
                resp.take(data)


def code(call, *words):
    """The code of the error reply, or the reply."""
    try:
        return call(*words)
    except Refused as refused:
        return refused.code


class Started(unittest.TestCase):
    def start(self, kind, **options):
        made = kind(**options)
        self.addCleanup(made.close)
        return made

    def client(self, *where, **options):
        client = Client(*where, **options)
        self.addCleanup(client.close)
        return client


WRITES = ["EVAL", "return redis.call('SET', KEYS[1], 'x')", 1, "og:k"]


class OneServer(Started):
    def test_it_is_reached_in_every_way_and_by_those_who_may(self):
        server = self.start(redis.Redis, tls="yes", password="secret",
                            users={"gate": ("other", redis.RIGHTS), "guest": ("third", "+ping")})
        self.assertEqual(code(self.client(server.port).call, "PING"), "NOAUTH")
        for where in [server.port, ("127.0.0.1", server.port), server.socket]:
            self.assertEqual(self.client(where, password="secret").call("PING"), "PONG")
        with self.assertRaises(Refused):
            self.client(server.port, password="wrong")
        with server.connect(user="gate") as gate:
            self.assertEqual(gate.call(*WRITES), "OK")
            self.assertEqual(code(gate.call, "SET", "foreign", 1), "NOPERM")
            self.assertEqual(code(gate.call, "FLUSHALL"), "NOPERM")
        with server.connect(user="guest") as guest:
            self.assertEqual(code(guest.call, *WRITES), "NOPERM")
        tls = self.client(server.tls_port, tls=redis.client_context(), password="secret")
        self.assertEqual(tls.call("PING"), "PONG")
        with self.assertRaises((EOFError, ssl.SSLError, OSError)):  # TLS 1.3: refused after the handshake
            self.client(server.tls_port, tls=redis.client_context(with_certificate=False), password="secret")
        section = server.config(over="tls", user="gate", deadline="50ms")
        self.assertEqual(section["url"], f"rediss://localhost:{server.tls_port}/0")
        self.assertEqual((section["username"], section["deadline"]), ("gate", "50ms"))
        self.assertEqual(pathlib.Path(section["password_file"]).read_text(), "other")

    def test_its_faults_are_what_they_say(self):
        server = self.start(redis.Redis, maxmemory="3mb")
        client = self.client(server.port)
        sha = client.call("SCRIPT", "LOAD", "return 1")
        self.assertEqual(client.pipeline(["EVALSHA", sha, 0], ["PING"]), [1, "PONG"])
        self.assertEqual(server.scripts_run(), 1)
        server.flush_scripts()
        self.assertEqual(code(client.call, "EVALSHA", sha, 0), "NOSCRIPT")
        server.demote()
        self.assertEqual(code(client.call, *WRITES), "READONLY")
        server.promote()
        self.assertEqual(client.call(*WRITES), "OK")
        server.exhaust_memory()
        self.assertEqual(code(client.call, *WRITES), "OOM")
        server.grant_memory()
        self.assertEqual(client.call(*WRITES), "OK")
        server.restart()
        with self.assertRaises((EOFError, OSError)):
            client.call("PING")
        self.assertIsNone(self.client(server.port).call("GET", "og:k"))
        other = self.client(server.port)
        server.kill_clients()
        with self.assertRaises((EOFError, OSError)):
            other.call("PING")

    def test_it_is_slow_when_told(self):
        server = self.start(redis.Redis)
        client = self.client(server.port, patience=0.1)
        for fault, undo in [(server.freeze, server.thaw), (lambda: server.pause(60), server.unpause)]:
            fault()
            client.send(*WRITES)
            with self.assertRaises(TimeoutError):
                client.read()
            undo()
            client.socket.settimeout(10)
            self.assertEqual(client.read(), "OK")
            client.socket.settimeout(0.1)
        server.pause(60)
        self.assertEqual(client.call("GET", "og:k"), "x")
        server.unpause()
        server.sleep(0.3)
        began = time.monotonic()
        self.client(server.port).call("PING")
        self.assertGreater(time.monotonic() - began, 0.1)

    def test_nothing_is_left_behind(self):
        server = redis.Redis()
        server.freeze()
        server.close()
        self.assertIsNotNone(server.process.child.returncode)
        self.assertFalse(server.scratch.path.exists())
        self.assertTrue(redis.is_free(server.port))


class ServerSets(Started):
    def test_sentinels_name_the_new_primary_when_the_old_one_freezes(self):
        group = self.start(redis_sets.SentinelSet, password="secret", sentinel_password="other")
        old = group.primary()
        self.assertIs(old, group.nodes[0])
        self.assertEqual(len(group.config()["sentinel"]["addresses"]), 3)
        old.call("SET", "k", 1)
        old.call("WAIT", 1, 5000)
        old.freeze()
        new = group.wait_for_switch(old)
        self.assertIs(new, group.nodes[1])
        self.assertEqual(new.call("GET", "k"), "1")
        self.assertEqual(new.call("SET", "k", 2), "OK")

    def test_a_cluster_moves_a_slot_step_by_step(self):
        cluster = self.start(redis_sets.Cluster)
        names = [f"{{org}}:{i}" for i in range(15)]
        slot = cluster.slot_of(names[0])
        source = cluster.owner(slot)
        target = next(node for node in cluster.nodes if node is not source)
        for name in names:
            source.call("SET", name, 1)
        self.assertEqual(code(target.call, "GET", names[0]), "MOVED")
        steps, seen = [], []
        for step in cluster.moving(slot, target):
            steps.append(step)
            seen.append(code(source.call, "GET", "{org}:absent") or "nil")
            if len(steps) == 3:
                self.assertEqual(code(source.call, "MGET", *names), "TRYAGAIN")
        self.assertEqual(steps, ["importing", "migrating", "keys", "keys", "node"])
        self.assertEqual(seen, ["nil", "ASK", "ASK", "ASK", "MOVED"])
        self.assertIs(cluster.owner(slot), target)
        self.assertEqual(target.call("MGET", *names), ["1"] * 15)
        cluster.move_slot(slot, source)
        self.assertIs(cluster.owner(slot), source)


class FakeServer(Started):
    def test_it_greets_like_a_lone_primary_and_keeps_what_it_was_told(self):
        fake = self.start(fake_redis.FakeRedis)
        client = self.client(fake.port, user="gate", password="secret")
        self.assertEqual(client.call("ROLE")[0], "master")
        self.assertEqual(client.call("SCRIPT", "LOAD", "return 1"), "e0e1f9fabfc9d4800c877a703b823ac0578ff8db")
        self.assertEqual(code(client.call, "EVALSHA", "x", 0), "ERR")
        fake.on("EVALSHA", fake_redis.answers([1, [2, None]]))
        self.assertEqual(client.call("EVALSHA", "x", 0), [1, [2, None]])
        self.assertEqual(fake.calls("AUTH"), [["AUTH", "gate", "secret"]])
        self.assertEqual(fake.connections, 1)
        self.assertEqual([words[0] for _, words in fake.commands], ["AUTH", "ROLE", "SCRIPT", "EVALSHA", "EVALSHA"])

    def test_it_lies_as_told(self):
        fake = self.start(fake_redis.FakeRedis)
        client = self.client(fake.port, patience=0.1)
        fake.on("A", fake_redis.byte_by_byte(["slow", 1]))
        fake.on("B", fake_redis.late(Status("late"), 0.2))
        fake.on("C", fake_redis.silence)
        fake.on("D", fake_redis.after(2, fake_redis.closes, before=fake_redis.answers(1)))
        self.assertEqual(client.call("A"), ["slow", 1])
        for name, answer in [("B", "late"), ("C", "PONG")]:
            client.send(name)
            with self.assertRaises(TimeoutError):
                client.read()
            client.socket.settimeout(10)
            if name == "C":
                client.send("PING")
            self.assertEqual(client.read(), answer)
            client.socket.settimeout(0.1)
        self.assertEqual([client.call("D"), client.call("D")], [1, 1])
        with self.assertRaises(EOFError):
            client.call("D")

    def test_its_garbage_is_garbage_and_its_half_close_half(self):
        fake = self.start(fake_redis.FakeRedis)
        fake.on("G", fake_redis.says(b"HTTP/1.1 400 Bad Request\r\n\r\n"))
        fake.on("H", fake_redis.huge_array())
        fake.on("I", fake_redis.half_close)
        with self.assertRaises(resp.Broken):
            self.client(fake.port).call("G")
        huge = self.client(fake.port, patience=0.1)
        with self.assertRaises(TimeoutError):
            huge.call("H")
        self.assertEqual(huge.buffer, b"*1000000000\r\n")
        half = self.client(fake.port)
        with self.assertRaises(EOFError):
            half.call("I")
        half.send("PING")  # it still reads, and answers nobody
        redis.wait_for(lambda: fake.calls("PING"), "the command behind the half close")
        fake.on_connect = lambda peer: peer.reply(Refused("ERR max number of clients reached")) or False
        full = self.client(fake.port)
        self.assertEqual(full.read().text, "ERR max number of clients reached")
        with self.assertRaises((EOFError, socket.error)):
            full.call("PING")


if __name__ == "__main__":
    unittest.main()
