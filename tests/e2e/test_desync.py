"""One connection, several requests: where one ends the next begins, whatever went wrong."""
from common import Case, SharedGate, token
from harness.client import bearer, compose
from harness.upstreams import free_port

SOCKET = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
          "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==", "Host": "app.example.com"}


class Desync(Case):
    def test_a_body_the_upstream_never_got_is_passed_over_exactly_once(self):
        gate = self.start_gate(f"http://127.0.0.1:{free_port()}")
        credential = bearer(token())
        hidden = compose("GET", "/hidden", credential)
        with gate.connect() as connection:
            connection.send(compose("POST", "/first", credential, b"0123456789")
                            + compose("POST", "/second", credential, hidden)
                            + compose("GET", "/third", credential))
            statuses = [connection.read().status for _ in range(3)]
        self.assertEqual(statuses, [502, 502, 502])
        for path in ("/first", "/second", "/third"):
            self.assertEqual(len(gate.access_lines(path=path)), 1)
        seen = [line["path"] for line in gate.access_lines(route="default")]
        self.assertNotIn("/hidden", seen)


class CookieSocket(SharedGate):
    def test_another_kind_of_authorization_does_not_excuse_a_foreign_origin(self):
        for value in ("Basic dXNlcjpwYXNz", ""):
            with self.subTest(value):
                headers = {**SOCKET, "Origin": "https://evil.example", "Authorization": value,
                           "Cookie": f"__session={token()}; __client_uat=1"}
                with self.gate.connect() as connection:
                    connection.send(compose("GET", "/socket", headers))
                    self.check_refusal(connection.read(), 403, "origin_refused")


class WayBack(Case):
    def test_a_forwarded_host_that_is_not_ours_is_refused(self):
        app = self.start_app()
        gate = self.start_gate(app.url, {
            "public_origin": None, "hosts": ["app.example.com"], "trusted_proxies": ["127.0.0.0/8"],
            "clerk": {"authorized_parties": ["https://app.example.com"]}})
        document = {"Host": "app.example.com", "Sec-Fetch-Dest": "document"}
        ours = gate.ask(target="/x", headers=document)
        self.assertIn("redirect_url=http%3A%2F%2Fapp.example.com%2Fx", ours.get("location"))
        theirs = gate.ask(target="/x", headers={**document, "X-Forwarded-Host": "evil.example"})
        self.check_refusal(theirs, 421, "host_unknown")
