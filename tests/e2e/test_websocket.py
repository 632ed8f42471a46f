"""WebSocket through the gate, spoken by npm ws on both sides."""
import json
import pathlib
import subprocess

from common import Case, Gate, shared_clerk, token, token_without_org
from harness.client import compose
from harness.process import PATIENCE

HERE = pathlib.Path(__file__).resolve().parent
ORIGIN = "https://app.example.com"
HANDSHAKE = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
             "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="}


class WebSocket(Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        if not (HERE / "node_modules" / "ws").exists():
            raise RuntimeError(f"npm ws is not there: npm install --prefix {HERE}")
        cls.server = subprocess.Popen(["node", HERE / "ws_server.js"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        cls.addClassCleanup(cls.end_server)
        port = int(cls.server.stdout.readline())
        cls.gate = Gate(shared_clerk(), f"http://127.0.0.1:{port}", {
            "websocket": {"idle": "1500ms"},
            "cors": {"origins": ["https://spa.example.net"]},
            "routes": [
                {"name": "public", "paths": ["/public(.*)"], "access": "public"},
                {"name": "lobby", "paths": ["/lobby(.*)"], "access": "public", "websocket": True},
            ]})
        cls.addClassCleanup(cls.gate.close)
        cls.gate.wait_until_ready()

    @classmethod
    def end_server(cls):
        cls.server.stdin.close()
        cls.server.wait(PATIENCE)
        cls.server.stdout.close()

    def talk(self, path="/socket", headers=None, messages=("hello",), **more):
        task = {"url": f"ws://127.0.0.1:{self.gate.port}{path}",
                "headers": {"Host": "app.example.com", **(headers or {})}, "messages": list(messages), **more}
        done = subprocess.run(["node", HERE / "ws_client.js", json.dumps(task)], capture_output=True, text=True,
                              timeout=PATIENCE, check=True)
        return json.loads(done.stdout.splitlines()[-1])

    def cookie(self, **headers):
        return {"Cookie": f"__session={token()}; __client_uat=1", **headers}

    def check_open(self, result, echoed=1):
        self.assertTrue(result["opened"], result)
        self.assertEqual((result["echoed"], result["code"], result.get("error")), (echoed, 1000, None))

    def check_refused(self, result, status, code):
        self.assertFalse(result["opened"], result)
        self.assertEqual(result["status"], status)
        self.assertIn(f'details="{code}"', result["proxyStatus"])

    def test_a_bearer_token_opens_a_tunnel_that_echoes(self):
        result = self.talk(headers={"Authorization": f"Bearer {token()}"},
                           messages=["hello", "", 125, 126, 65536, 1_000_000])
        self.check_open(result, echoed=6)
        arrived = dict(zip((n.lower() for n in result["headers"][::2]), result["headers"][1::2]))
        self.assertEqual(arrived["x-org-id"], "org_acme")

    def test_compressed_frames_pass_untouched(self):
        self.check_open(self.talk(headers={"Authorization": f"Bearer {token()}"}, messages=["a" * 5000], deflate=True))

    def test_a_cookie_needs_an_origin_of_ours(self):
        self.check_open(self.talk(headers=self.cookie(Origin=ORIGIN)))
        self.check_open(self.talk(headers=self.cookie(Origin="https://spa.example.net")))
        for origin in ("https://evil.example", "https://app.example.com.evil.example", "http://app.example.com", "null"):
            with self.subTest(origin):
                self.check_refused(self.talk(headers=self.cookie(Origin=origin)), 403, "origin_refused")
        self.check_refused(self.talk(headers=self.cookie()), 403, "origin_refused")

    def test_a_bearer_token_needs_no_origin(self):
        self.check_open(self.talk(headers={"Authorization": f"Bearer {token()}", "Origin": "https://evil.example"}))

    def test_nobody_gets_no_tunnel(self):
        self.check_refused(self.talk(), 401, "token_missing")
        bare = {"Authorization": f"Bearer {token_without_org()}"}
        self.check_refused(self.talk(headers=bare), 403, "org_missing")

    def test_public_routes_tunnel_only_where_the_operator_said_so(self):
        self.check_refused(self.talk("/public/x"), 401, "token_missing")
        self.check_open(self.talk("/lobby/x"))

    def test_a_decline_of_the_app_is_passed_on(self):
        result = self.talk("/declined", headers={"Authorization": f"Bearer {token()}"})
        self.assertEqual((result["opened"], result["status"]), (False, 403))
        self.assertIsNone(result.get("proxyStatus"))

    def test_identity_headers_of_the_client_never_arrive(self):
        result = self.talk("/lobby/x", headers={"X-Org-Id": "evil", "X-User-Id": "evil"})
        self.check_open(result)
        self.assertNotIn("evil", result["headers"])

    def test_an_idle_tunnel_is_closed(self):
        result = self.talk(headers={"Authorization": f"Bearer {token()}"}, stay=True)
        self.assertEqual(result["echoed"], 1)
        self.assertIn(result["code"], (1001, 1005, 1006))

    def test_half_a_handshake_opens_nothing(self):
        rows = [
            ("version 12", {**HANDSHAKE, "Sec-WebSocket-Version": "12"}, "GET", "1.1"),
            ("no key", {**HANDSHAKE, "Sec-WebSocket-Key": None}, "GET", "1.1"),
            ("a short key", {**HANDSHAKE, "Sec-WebSocket-Key": "YQ=="}, "GET", "1.1"),
            ("POST", HANDSHAKE, "POST", "1.1"),
            ("HTTP/1.0", HANDSHAKE, "GET", "1.0"),
            ("with a body", {**HANDSHAKE, "Content-Length": "5"}, "GET", "1.1"),
        ]
        for name, headers, method, version in rows:
            with self.subTest(name):
                answer = self.gate.ask(method, "/lobby/x", headers, version=version)
                self.assertIsNotNone(answer)
                self.assertNotEqual(answer.status, 101)

    def test_bytes_behind_a_handshake_are_the_tunnels(self):
        # A client may not wait for the 101; what it sends early must not be read as a request.
        masked_ping = b"\x89\x80\x00\x00\x00\x00"
        with self.gate.connect() as connection:
            connection.send(compose("GET", "/lobby/x", HANDSHAKE) + masked_ping)
            answer = connection.read_any()
            self.assertEqual(answer.status, 101, answer.raw)
            while b"\x8a\x00" not in connection.buffer:
                self.assertTrue(connection.fill(), "no pong")

