#!/usr/bin/env python3
"""Checks the demo app from outside.  usage: selftest.py DEMO_APP"""
import base64, hashlib, http.client, json, os, socket, subprocess, sys, tempfile, time, unittest

BINARY = sys.argv.pop(1)


class DemoApp(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        file = os.path.join(cls.folder.name, "address.json")
        cls.process = subprocess.Popen([BINARY, "--address-file", file, "--link", "Sign out=http://x/?a=b&c=d"], stdout=subprocess.DEVNULL)
        deadline = time.monotonic() + 20
        while not os.path.exists(file):
            if cls.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("demo_app did not start")
            time.sleep(0.02)
        with open(file) as f:
            host, port = json.load(f)["listen"][0].rsplit(":", 1)
        cls.address = (host, int(port))

    @classmethod
    def tearDownClass(cls):
        cls.process.terminate()
        code = cls.process.wait(10)
        cls.folder.cleanup()
        assert code == 0, code

    def call(self, target, method="GET", body=None, headers=None, **options):
        connection = http.client.HTTPConnection(*self.address, timeout=10)
        connection.request(method, target, body, headers or {}, **options)
        answer = connection.getresponse()
        answer.text = answer.read()
        connection.close()
        return answer

    def raw(self, sent):
        with socket.create_connection(self.address, 10) as connection:
            connection.sendall(sent)
            got = b""
            while piece := connection.recv(65536):
                got += piece
            return got

    def test_it_tells_what_it_received(self):
        body = os.urandom(300_000)
        for kind, sent, options in (("sized", body, {}), ("chunked", iter([body[:7], body[7:]]), {"encode_chunked": True})):
            with self.subTest(kind):
                headers = {"X-Org-Id": "org_acme", "Accept": "application/json"}
                if options:
                    headers["Transfer-Encoding"] = "chunked"
                told = json.loads(self.call("/a?b=c", "POST", sent, headers, **options).text)
                self.assertEqual((told["method"], told["target"], told["version"]), ("POST", "/a?b=c", "1.1"))
                self.assertEqual(told["body"], {"length": len(body), "sha256": hashlib.sha256(body).hexdigest()})
                self.assertIn(["X-Org-Id", "org_acme"], told["headers"])

    def test_people_get_a_page_and_nothing_in_it_is_markup(self):
        page = self.call("/<b>", headers={"Accept": "text/html", "X-Org-Id": "org_acme", "X": "<script>"}).text.decode()
        self.assertIn("<th>X-Org-Id<td>org_acme", page)
        self.assertIn('<a href="http://x/?a=b&amp;c=d">Sign out</a>', page)
        self.assertNotIn("<script>", page)
        self.assertNotIn("/<b>", page)

    def test_statuses_without_a_body_have_none(self):
        self.assertEqual(self.call("/status/503").status, 503)
        self.assertEqual(self.call("/status/nonsense").status, 404)
        for status in ("204", "304"):
            got = self.raw(f"GET /status/{status} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
            self.assertTrue(got.startswith(b"HTTP/1.1 " + status.encode()) and got.endswith(b"\r\n\r\n"), got)
            self.assertNotIn(b"Content-Length", got)
        got = self.raw(b"HEAD /big?bytes=5 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        self.assertTrue(b"Content-Length: 5\r\n" in got and got.endswith(b"\r\n\r\n"))

    def test_bodies_come_back_while_they_go_out(self):
        with socket.create_connection(self.address, 10) as connection:
            connection.sendall(b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 6\r\n\r\nabc")
            got = b""
            while b"3\r\nabc\r\n" not in got:
                got += connection.recv(4096)
            connection.sendall(b"def")
            while not got.endswith(b"3\r\ndef\r\n0\r\n\r\n"):
                got += connection.recv(4096)
        body = os.urandom(3_000_000)
        self.assertEqual(self.call("/echo", "PUT", body).text, body)

    def test_answers_of_any_size_and_framing(self):
        big = self.call("/big?bytes=1000000")
        self.assertEqual(big.text, bytes(i % 251 for i in range(1_000_000)))
        chunked = self.call("/chunked?parts=5&bytes=3&ms=5&header=X-Org-Id:%20forged")
        self.assertEqual((chunked.text, chunked.getheader("Transfer-Encoding")), (b"x" * 15, "chunked"))
        self.assertEqual(chunked.getheader("X-Org-Id"), "forged")
        begin = time.monotonic()
        self.assertEqual(self.call("/slow?ms=150").status, 200)
        self.assertGreaterEqual(time.monotonic() - begin, 0.15)

    def test_expectations_and_early_answers(self):
        head = b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n"
        self.assertTrue(self.raw(b"POST /" + head + b"abc").startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n"))
        early = self.raw(b"POST /early" + head)
        self.assertTrue(early.startswith(b"HTTP/1.1 413 ") and b"Connection: close" in early, early)

    def test_connections_are_kept(self):
        connection = http.client.HTTPConnection(*self.address, timeout=10)
        for target in ("/", "/big?bytes=10", "/chunked", "/status/204"):
            connection.request("POST", target, b"abc" if target == "/" else None)
            connection.getresponse().read()
            here = connection.sock.getsockname() if target == "/" else here
            self.assertEqual(connection.sock.getsockname(), here)
        connection.close()

    def test_websocket_messages_come_back(self):
        key = base64.b64encode(os.urandom(16))
        with socket.create_connection(self.address, 10) as connection:
            connection.sendall(b"GET /websocket HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nX-Org-Id: org_acme\r\n"
                               b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: a, b\r\nSec-WebSocket-Key: " + key + b"\r\n\r\n")
            got = b""
            while b"\r\n\r\n" not in got:
                got += connection.recv(4096)
            accept = base64.b64encode(hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest())
            self.assertTrue(got.startswith(b"HTTP/1.1 101 ") and accept in got, got)
            self.assertIn(b"Sec-WebSocket-Protocol: a\r\n", got)
            frame = lambda text: b"\x81" + bytes([0x80 | len(text)]) + b"\0\0\0\0" + text  # masked with zeros
            connection.sendall(frame(b"hello"))
            self.assertEqual(connection.recv(4096), b"\x81\x05hello")
            connection.sendall(frame(b"headers"))
            self.assertIn(b'["X-Org-Id","org_acme"]', connection.recv(4096))


if __name__ == "__main__":
    unittest.main()
