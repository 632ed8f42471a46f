"""More connections than the operator allows."""
from common import Case, token
from harness.client import bearer, compose
from harness.process import wait_for


class Overload(Case):
    def test_one_connection_too_many_is_told_so_and_room_comes_back(self):
        app = self.start_app()
        gate = self.start_gate(app.url, {"max_connections": 2})
        credential = token()
        wait_for(lambda: gate.metrics()["orggate_connections"] == 0, "nobody else to be there")
        held = [gate.connect(), gate.connect()]
        for connection in held:  # both seated before the third comes
            connection.send(compose("GET", "/", bearer(credential)))
            self.assertEqual(connection.read().status, 200)

        with gate.connect() as third:
            third.send(compose("GET", "/", bearer(credential)))
            answer = third.read()
            self.check_refusal(answer, 503, "overloaded")
            self.assertGreaterEqual(int(answer.get("retry-after")), 1)
        self.assertEqual(gate.access_lines(reason="overloaded")[0]["status"], 503)

        held.pop().close()
        wait_for(lambda: gate.ask(token=credential).status == 200, "room for another connection")
        held.pop().close()
        self.assertGreaterEqual(gate.metrics()['orggate_refused_total{reason="overloaded"}'], 1)
