"""TLS on the listener and towards the app; unix sockets; several upstreams."""
import json
import socket
import ssl

from common import Case, Nginx, token
from harness import keys
from harness.client import bearer, compose, trusting
from harness.process import Scratch
from harness.upstreams import App


class Listener(Case):
    def setUp(self):
        self.scratch = Scratch()
        self.addCleanup(self.scratch.close)
        self.authority = keys.make_authority(self.scratch.path)
        self.key, self.certificate = keys.make_certificate(
            self.scratch.path, self.authority, "server", "DNS:app.example.com,DNS:localhost")
        self.app = self.start_app()
        self.gate = self.start_gate(self.app.url, {"tls": {
            "cert_file": str(self.certificate), "key_file": str(self.key)}}, wait=False).wait_until_ready()

    def test_requests_over_tls(self):
        with self.gate.connect(tls=trusting(self.authority[1], "app.example.com")) as connection:
            for _ in range(3):
                answer = connection.ask("GET", "/things", bearer(token()))
                self.check_allowed(answer)
            seen = {k.lower(): v for k, v in json.loads(answer.body)["fields"]}
            self.assertEqual(seen["x-forwarded-proto"], "https")
            big = connection.ask("POST", "/things", bearer(token()), b"x" * 3_000_000)
            self.assertEqual(len(json.loads(big.body)["body"]), 3_000_000)

    def test_clear_text_on_the_tls_port_ends_and_harms_nobody(self):
        for data in (compose("GET", "/"), b"\x16\x03\x01\x00\x05hello", b""):
            with self.gate.connect() as connection:
                connection.send(data)
                connection.socket.shutdown(socket.SHUT_WR)
                connection.read_to_end()
        with self.gate.connect(tls=trusting(self.authority[1])) as connection:
            self.check_allowed(connection.ask("GET", "/", bearer(token())))

    def test_old_protocols_are_refused(self):
        context = trusting(self.authority[1])
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = ssl.TLSVersion.TLSv1_1
        context.set_ciphers("ALL:@SECLEVEL=0")
        with self.assertRaises((ssl.SSLError, ConnectionError)):
            self.gate.connect(tls=context)


class Upstream(Case):
    def setUp(self):
        self.scratch = Scratch()
        self.addCleanup(self.scratch.close)
        self.authority = keys.make_authority(self.scratch.path)

    def start_https(self, subject, authority=None):
        key, certificate = keys.make_certificate(self.scratch.path, authority or self.authority, "app", subject)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        app = App(tls=context)
        self.addCleanup(app.close)
        return app

    def gate_before(self, app, **tls):
        return self.start_gate(None, {"upstreams": {"default": {
            "url": app.url, "tls": {"ca_file": str(self.authority[1]), **tls}}}})

    def test_https_with_a_good_certificate(self):
        app = self.start_https("DNS:localhost")
        gate = self.gate_before(app)
        for _ in range(5):
            self.check_allowed(gate.ask(target="/things", token=token()))

    def test_https_with_a_name_of_its_own(self):
        app = self.start_https("DNS:app.internal")
        self.check_allowed(self.gate_before(app, server_name="app.internal").ask(token=token()))

    def test_a_certificate_for_another_name_is_502(self):
        app = self.start_https("DNS:other.example")
        self.check_refusal(self.gate_before(app).ask(token=token()), 502, "upstream_tls")
        self.assertEqual(app.requests, [])

    def test_a_certificate_of_another_authority_is_502(self):
        other = keys.make_authority(self.scratch.path, "other")
        app = self.start_https("DNS:localhost", other)
        self.check_refusal(self.gate_before(app).ask(token=token()), 502, "upstream_tls")
        self.assertEqual(app.requests, [])

    def test_a_clear_text_app_behind_https_is_502(self):
        nginx = Nginx()
        self.addCleanup(nginx.close)
        gate = self.start_gate(None, {"upstreams": {"default": {
            "url": f"https://localhost:{nginx.port}", "tls": {"ca_file": str(self.authority[1])}}}})
        self.check_refusal(gate.ask(token=token()), 502, "upstream_tls")

    def test_a_body_ended_by_a_truncated_tls_stream_is_not_whole(self):
        app = self.start_https("DNS:localhost")

        def cut(peer, head):
            peer.send(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhalf")
            socket.socket(fileno=peer.socket.detach()).close()  # without close_notify
            return False
        app.on("/cut", cut)
        with self.gate_before(app).connect() as connection:
            connection.send(compose("GET", "/cut", bearer(token())))
            self.assertIsNone(connection.read(), "a truncated answer looks whole")

    def test_a_unix_socket(self):
        app = self.start_app(unix_path=self.scratch.path / "app.sock")
        gate = self.start_gate(app.url)
        for _ in range(5):
            self.check_allowed(gate.ask(target="/things", token=token()))

    def test_several_upstreams_by_route(self):
        pages, api = self.start_app(), self.start_app()
        gate = self.start_gate(None, {
            "upstreams": {"default": {"url": pages.url}, "api": {"url": api.url, "credentials": "none"}},
            "routes": [{"name": "api", "paths": ["/api(.*)"], "access": "org", "upstream": "api"}],
        })
        self.check_allowed(gate.ask(target="/page", token=token()))
        self.check_allowed(gate.ask(target="/api/x", token=token()))
        self.assertEqual(([h.target for h in pages.requests], [h.target for h in api.requests]), (["/page"], ["/api/x"]))
        self.assertIsNotNone(pages.requests[0].get("authorization"))
        self.assertIsNone(api.requests[0].get("authorization"))

    def test_a_listener_on_a_unix_socket(self):
        app = self.start_app()
        path = self.scratch.path / "gate.sock"
        gate = self.start_gate(app.url, {"listen": ["127.0.0.1:0", f"unix:{path}"]})
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(path))
            client.sendall(compose("GET", "/things", {**bearer(token()), "Connection": "close"}))
            answer = b""
            while data := client.recv(65536):
                answer += data
        self.assertTrue(answer.startswith(b"HTTP/1.1 200 "), answer[:200])
        self.check_allowed(gate.ask(token=token()))

