"""The data path: bodies both ways, odd answers, impatient clients."""
import json
import socket
import threading
import time
import zlib

from common import Case, Gate, Nginx, SharedGate, figures, shared_clerk, token
from harness.client import bearer, compose
from harness.process import wait_for
from harness.upstreams import App, respond

PUBLIC = {"routes": [{"name": "open", "paths": ["/(.*)"], "access": "public",
                      "methods": ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"]}]}


class Bodies(SharedGate):
    changes = PUBLIC

    def test_sized_and_chunked_bodies_arrive_whole(self):
        body = bytes(range(33, 127)) * 2000
        sized = json.loads(self.gate.ask("POST", "/x", body=body).body)
        self.assertEqual((sized["body"], sized["framing"]), (body.decode(), "sized"))
        with self.gate.connect() as connection:
            connection.send(compose("POST", "/x", {"Transfer-Encoding": "chunked"}))
            for i in range(0, len(body), 7777):
                piece = body[i:i + 7777]
                connection.send(b"%x\r\n%b\r\n" % (len(piece), piece))
            connection.send(b"0\r\n\r\n")
            chunked = json.loads(connection.read("POST").body)
        self.assertEqual((chunked["body"], chunked["framing"]), (body.decode(), "chunked"))

    def test_many_requests_on_one_connection_each_by_itself(self):
        with self.gate.connect() as connection:
            for i in range(50):
                method = ("GET", "POST", "HEAD", "PUT")[i % 4]
                body = b"x" * i if method in ("POST", "PUT") else b""
                answer = connection.ask(method, f"/x?{i}", body=body)
                self.check_allowed(answer)
                if method != "HEAD":
                    seen = json.loads(answer.body)
                    self.assertEqual((seen["target"], seen["body"]), (f"/x?{i}", body.decode()))

    def test_pipelined_requests_are_answered_in_order_and_judged_alone(self):
        with self.gate.connect() as connection:
            connection.send(b"".join(compose("GET", f"/x?{i}") for i in range(64)))
            for i in range(64):
                self.assertEqual(json.loads(connection.read().body)["target"], f"/x?{i}")

    def test_an_empty_chunked_body_split_before_its_last_line(self):
        with self.gate.connect() as connection:
            connection.send(compose("POST", "/x", {"Transfer-Encoding": "chunked"}) + b"0\r\n")
            time.sleep(0.05)
            connection.send(b"\r\n")
            self.check_allowed(connection.read("POST"))

    def test_many_tiny_chunks_are_gathered(self):
        with self.gate.connect() as connection:
            connection.send(compose("POST", "/x", {"Transfer-Encoding": "chunked"}))
            connection.send(b"1\r\na\r\n" * 100_000 + b"0\r\n\r\n")
            answer = json.loads(connection.read("POST").body)
        self.assertEqual(len(answer["body"]), 100_000)

    def test_a_trailer_of_70000_bytes_does_not_end_the_process(self):
        for _ in range(3):
            with self.gate.connect() as connection:
                connection.send(compose("POST", "/x", {"Transfer-Encoding": "chunked"}))
                connection.send(b"0\r\nX: " + b"a" * 70_000 + b"\r\n\r\n")
                answer = connection.read("POST")
                self.assertIn(answer.status, (400, 431))
                self.assertTrue(connection.is_closed())
        self.check_allowed(self.gate.ask(target="/x"))
        self.assertTrue(self.gate.process.is_running())

    def test_an_endless_trailer_extension_or_head_is_cut_short(self):
        starts = {
            "trailer": b"0\r\nX: ", "extension": b"5;a=", "size": b"0" * 100,
        }
        for name, start in starts.items():
            with self.subTest(name), self.gate.connect() as connection:
                connection.send(compose("POST", "/x", {"Transfer-Encoding": "chunked"}) + start)
                try:
                    for _ in range(1000):
                        connection.send(b"a" * 10_000)
                except OSError:
                    pass
                else:
                    self.fail("10 MB of it were taken")

    def test_a_body_cut_short_is_never_a_whole_request(self):
        seen = []
        self.app.on("/cut", lambda peer, head: seen.append(peer.read_body(head)) or False)
        with self.gate.connect() as connection:
            connection.send(compose("POST", "/cut", {"Content-Length": "100"}) + b"half")
        wait_for(lambda: seen, "the upstream to learn of it")
        self.assertEqual(seen, [None])


class Answers(SharedGate):
    changes = {**PUBLIC, "http": {"timeouts": {"upstream_head": "2s", "stream_idle": "500ms"}}}

    def answer(self, raw, method="GET", version="1.1", headers=None, then=False):
        """What a client gets when the app says `raw`; then the app hangs up unless told to stay."""
        self.app.on("/raw", lambda peer, head: (peer.read_body(head), peer.send(raw), then)[2])
        with self.gate.connect() as connection:
            connection.send(compose(method, "/raw", headers, version=version))
            message = connection.read_any(method)
            return message, connection

    def test_statuses_without_content(self):
        for method, raw in (
            ("GET", "HTTP/1.1 204 No Content\r\n\r\n"),
            ("GET", "HTTP/1.1 304 Not Modified\r\nETag: \"a\"\r\nContent-Length: 500\r\n\r\n"),
            ("HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n"),
            ("HEAD", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"),
        ):
            with self.subTest(raw[:20], method=method):
                self.app.on("/raw", lambda peer, head, raw=raw: peer.send(raw))
                with self.gate.connect() as connection:
                    first = connection.ask(method, "/raw")
                    self.assertEqual((first.status, first.body), (int(raw[9:12]), b""))
                    self.check_allowed(connection.ask("GET", "/next"))  # the connection is in step

    def test_bytes_behind_an_answer_never_reach_the_next_client(self):
        extra = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison"
        self.app.on("/raw", lambda peer, head: peer.send(extra))
        for _ in range(5):
            self.assertEqual(self.gate.ask(target="/raw").body, b"ok")
            self.assertIn(b"/after", self.gate.ask(target="/after").body)

    def test_an_answer_that_ends_with_its_connection(self):
        raw = "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + "x" * 100_000
        modern, _ = self.answer(raw)
        self.assertEqual((modern.framing, len(modern.body)), ("chunked", 100_000))
        old, _ = self.answer(raw, version="1.0")
        self.assertEqual((old.framing, len(old.body)), ("close", 100_000))

    def test_an_answer_cut_short_is_never_whole(self):
        for name, raw in (
            ("sized", b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" + b"x" * 500),
            ("chunked", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1f4\r\n" + b"x" * 500 + b"\r\n"),
            ("in a chunk", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3e8\r\n" + b"x" * 500),
            ("a bad chunk", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhelloXX0\r\n\r\n"),
        ):
            with self.subTest(name):
                message, connection = self.answer(raw)
                whole = message is not None and message.status == 200
                self.assertFalse(whole, "a client could take it for the whole")

    def test_a_stream_that_falls_silent_is_cut(self):
        def silent(peer, head):
            peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nhello")
            peer.fill()
        self.app.on("/raw", silent)
        with self.gate.connect() as connection:
            connection.send(compose("GET", "/raw"))
            self.assertIsNone(connection.read())
            self.assertIn(b"hello", connection.buffer)

    def test_a_slow_stream_flows_piece_by_piece(self):
        go_on = threading.Event()

        def stream(peer, head):
            peer.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
            peer.send(b"6\r\nfirst\n\r\n")
            go_on.wait(10)
            peer.send(b"7\r\nsecond\n\r\n0\r\n\r\n")
        self.app.on("/raw", stream)
        with self.gate.connect() as connection:
            connection.send(compose("GET", "/raw"))
            wait_for(lambda: connection.fill() and b"first\n" in connection.buffer, "the first event")
            self.assertNotIn(b"second", connection.buffer)
            go_on.set()
            self.assertEqual(connection.read().body, b"first\nsecond\n")

    def test_interim_answers_reach_modern_clients_only(self):
        raw = ("HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n"
               "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        self.app.on("/raw", lambda peer, head: peer.send(raw))
        with self.gate.connect() as connection:
            connection.send(compose("GET", "/raw"))
            statuses = []
            while not statuses or statuses[-1] < 200:
                statuses.append(connection.read_any().status)
            self.assertEqual(statuses[-1], 200)
            self.assertTrue(set(statuses[:-1]) <= {102, 103}, statuses)
        with self.gate.connect() as connection:
            connection.send(compose("GET", "/raw", version="1.0"))
            self.assertEqual(connection.read_any().status, 200)

    def test_endless_interim_answers_are_502(self):
        self.app.on("/raw", lambda peer, head: peer.send("HTTP/1.1 103 Early Hints\r\n\r\n" * 1000) or False)
        with self.gate.connect() as connection:
            connection.send(compose("GET", "/raw"))
            self.check_refusal(connection.read(), 502, "upstream_protocol")

    def test_expect_is_answered_before_the_body_and_only_once(self):
        def patient(peer, head):
            if head.get("expect"):
                peer.send("HTTP/1.1 100 Continue\r\n\r\n")
            respond(peer, peer.read_body(head))
        self.app.on("/raw", patient)
        with self.gate.connect() as connection:
            connection.send(compose("POST", "/raw", {"Content-Length": "5", "Expect": "100-continue"}))
            self.assertEqual(connection.read_any("POST").status, 100)
            connection.send(b"hello")
            self.assertEqual(connection.read_any("POST").body, b"hello")

    def test_a_client_that_does_not_wait_for_100_is_served_too(self):
        with self.gate.connect() as connection:
            connection.send(compose("POST", "/echo", {"Content-Length": "5", "Expect": "100-continue"}) + b"hello")
            self.assertEqual(json.loads(connection.read("POST").body)["body"], "hello")

    def test_an_early_answer_arrives_though_the_body_is_not_done(self):
        self.app.on("/raw", lambda peer, head: respond(peer, "enough", "413 Content Too Large") or False)
        with self.gate.connect() as connection:
            connection.send(compose("POST", "/raw", {"Content-Length": "100000000"}) + b"x" * 1000)
            answer = connection.read("POST")
            self.assertEqual((answer.status, answer.body), (413, b"enough"))
            # What is left of the body must not be read as a request.
            try:
                connection.send(compose("GET", "/smuggled"))
            except OSError:
                pass
            self.assertIsNone(connection.read())
        self.assertEqual(self.app.heads("/smuggled"), [])

    def test_http_1_0_clients(self):
        plain = self.gate.ask(target="/x", version="1.0")
        self.check_allowed(plain)
        chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
        old, _ = self.answer(chunked, version="1.0", then=True)
        self.assertEqual((old.framing, old.body), ("close", b"hello"))
        with self.gate.connect() as connection:
            connection.send(compose("GET", "/x", version="1.0"))
            self.check_allowed(connection.read())
            self.assertTrue(connection.is_closed())

    def test_options_asterisk_is_answered_here(self):
        answer = self.gate.ask("OPTIONS", "*")
        self.assertIn(answer.status, (200, 204))
        self.assertEqual(self.app.heads("*"), [])

    def test_a_half_closed_client_still_gets_its_answer(self):
        def slow(peer, head):
            time.sleep(0.1)
            respond(peer, "late")
        self.app.on("/raw", slow)
        with self.gate.connect() as connection:
            connection.send(compose("GET", "/raw"))
            connection.socket.shutdown(socket.SHUT_WR)
            self.assertEqual(connection.read().body, b"late")


class Aborts(SharedGate):
    changes = PUBLIC

    def test_a_client_that_leaves_takes_its_upstream_request_with_it(self):
        ended = threading.Event()

        def wait(peer, head):
            if not peer.fill():
                ended.set()
        self.app.on("/wait", wait)
        connection = self.gate.connect()
        connection.send(compose("GET", "/wait"))
        wait_for(lambda: self.app.heads("/wait"), "the request to arrive")
        connection.abort()
        self.assertTrue(ended.wait(10), "the upstream request goes on for nobody")

    def test_the_next_client_never_gets_an_abandoned_answer(self):
        def slow(peer, head):
            time.sleep(0.02)
            respond(peer, head.target)
        self.app.on("/slow", slow)
        for i in range(30):
            left = self.gate.connect()
            left.send(compose("GET", f"/slow?left{i}"))
            if i % 2:
                time.sleep(0.01)
            left.close()
            self.assertEqual(self.gate.ask(target=f"/slow?mine{i}").body, f"/slow?mine{i}".encode())

    def test_a_client_that_stops_reading_holds_back_the_app(self):
        sent = [0]

        def pour(peer, head):
            peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 200000000\r\n\r\n")
            while sent[0] < 200_000_000:
                peer.send(b"x" * 100_000)
                sent[0] += 100_000
        self.app.on("/pour", pour)
        with self.gate.connect() as connection:
            connection.send(compose("GET", "/pour"))
            wait_for(lambda: sent[0] > 0, "the answer to begin")
            level = -1
            while level != sent[0]:  # until it stands still
                level = sent[0]
                time.sleep(0.3)
            self.assertLess(level, 60_000_000, "the gate buffers what nobody reads")


class Pooled(SharedGate):
    changes = PUBLIC

    def ask_on_stale_connection(self, method):
        """The upstream closes a resting connection just as the next request arrives on it."""
        seen = []

        def once(peer, head):
            seen.append((head.method, peer.served))
            if peer.served > 1:
                return False  # closes instead of answering
            peer.read_body(head)
            respond(peer, "fresh")
        self.app.on("/stale", once)
        self.check_allowed(self.gate.ask(target="/stale"))
        seen.clear()
        # Two workers, a pool each: ask until a resting connection was met.
        answers = []
        for _ in range(20):
            answers.append(self.gate.ask(method, "/stale", body=b"x" if method == "POST" else b""))
            if any(served > 1 for _, served in seen):
                break
        self.assertTrue(any(served > 1 for _, served in seen), "no connection was ever used again")
        return answers[-1], seen

    def test_get_is_sent_once_more(self):
        answer, seen = self.ask_on_stale_connection("GET")
        self.check_allowed(answer)
        served = [served for _, served in seen]
        self.assertGreater(served[-2], 1)
        self.assertEqual(served[-1], 1, "the second try was not on a new connection")

    def test_post_is_never_sent_twice(self):
        answer, seen = self.ask_on_stale_connection("POST")
        self.check_refusal(answer, 502, "upstream_closed")
        self.assertEqual(seen[-1][0], "POST")
        self.assertGreater(seen[-1][1], 1, "it was tried again")

    def test_connections_are_used_again(self):
        before = self.app.connections
        with self.gate.connect() as connection:
            for _ in range(100):
                self.check_allowed(connection.ask("GET", "/again"))
        self.assertLessEqual(self.app.connections - before, 2)


class Sink(App):
    """Reads bodies of any size without keeping them; answers their length and checksum."""

    def __init__(self):
        super().__init__()
        self.on("/sink", self.swallow)

    @staticmethod
    def swallow(peer, head):
        left, check, buffer = int(head.get("content-length")), zlib.crc32(peer.buffer), bytearray(1 << 20)
        left -= len(peer.buffer)
        peer.buffer = b""
        while left:
            got = peer.socket.recv_into(buffer)
            if not got:
                return False
            check = zlib.crc32(memoryview(buffer)[:got], check)
            left -= got
        respond(peer, f"{head.get('content-length')} {check}")


class Volume(Case):
    """1 GiB each way through nginx, gated, while the memory is watched."""
    GIB = 1 << 30
    GROWTH = 4 * 1024  # KiB

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.sink = Sink()
        cls.addClassCleanup(cls.sink.close)
        cls.nginx = Nginx(cls.sink.port)
        cls.addClassCleanup(cls.nginx.close)
        big = cls.nginx.scratch.path / "files" / "big"
        with open(big, "wb") as file:
            file.truncate(cls.GIB)
        big.chmod(0o644)
        cls.gate = Gate(shared_clerk(), cls.nginx.url, {"workers": 1})
        cls.addClassCleanup(cls.gate.close)
        cls.gate.wait_until_ready()

    def watch(self, work):
        """Runs `work(size)` small, then with 1 GiB; gives the largest growth meanwhile in KiB."""
        work(8 << 20)
        base, most, done = self.gate.process.resident_kib(), [0], threading.Event()

        def look():
            while not done.wait(0.005):
                most[0] = max(most[0], self.gate.process.resident_kib())
        watcher = threading.Thread(target=look)
        watcher.start()
        try:
            work(self.GIB)
        finally:
            done.set()
            watcher.join()
        return max(most[0], self.gate.process.resident_kib()) - base

    def download(self, size):
        buffer = bytearray(1 << 20)
        with self.gate.connect() as connection:
            connection.send(compose("GET", "/files/big", {**bearer(token()), "Range": f"bytes=0-{size - 1}"}))
            while b"\r\n\r\n" not in connection.buffer:
                connection.fill()
            head, _, rest = connection.buffer.partition(b"\r\n\r\n")
            self.assertIn(b"HTTP/1.1 206 ", head)
            left = size - len(rest)
            while left:
                got = connection.socket.recv_into(buffer)
                self.assertTrue(got, f"{left} bytes are missing")
                left -= got

    def upload(self, size):
        block, check = bytes(range(256)) * 4096, 0
        with self.gate.connect() as connection:
            connection.send(compose("PUT", "/sink", {**bearer(token()), "Content-Length": str(size)}))
            for _ in range(size // len(block)):
                connection.send(block)
                check = zlib.crc32(block, check)
            self.assertEqual(connection.read("PUT").body.decode(), f"{size} {check}")

    @figures
    def test_1_gib_down(self):
        grown = self.watch(self.download)
        print(f"1 GiB down: resident memory grew by {grown} KiB")
        self.assertLess(grown, self.GROWTH)

    @figures
    def test_1_gib_up(self):
        grown = self.watch(self.upload)
        print(f"1 GiB up: resident memory grew by {grown} KiB")
        self.assertLess(grown, self.GROWTH)

    def test_64_mib_arrive_whole(self):
        self.download(64 << 20)
        self.upload(64 << 20)

    @figures
    def test_1000_idle_connections_are_cheap(self):
        def open_connections(count):
            connections = []
            for _ in range(count):
                connection = self.gate.connect()
                self.addCleanup(connection.close)
                self.assertEqual(connection.ask("GET", "/", bearer(token())).status, 200)
                connections.append(connection)
            return connections
        for connection in open_connections(50):  # what the first ones make, stays
            connection.close()
        base = self.gate.process.resident_kib()
        open_connections(1000)
        each = (self.gate.process.resident_kib() - base) / 1000
        print(f"1000 idle connections: {each:.1f} KiB each")
        self.assertLess(each, 12)
