"""The program as an operator meets it: commands, signals, drain, exhaustion."""
import json
import os
import re
import signal
import subprocess
import threading
import time

from common import Case, shared_clerk, token
from harness.client import Connection, bearer, compose
from harness.process import PATIENCE, Scratch, binary, wait_for
from harness.upstreams import respond

BINARY = binary("ORGGATE_BIN", "build/debug/orggate")


def orggate(*arguments, environment=None):
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("CLERK_", "NEXT_PUBLIC_", "ORGGATE_"))}
    return subprocess.run([BINARY, *map(str, arguments)], capture_output=True, text=True, timeout=PATIENCE,
                          env={**clean, **(environment or {})})


class Commands(Case):
    def setUp(self):
        self.scratch = Scratch()
        self.addCleanup(self.scratch.close)

    GOOD = """\
version: 1
listen: 127.0.0.1:0
upstream: http://127.0.0.1:3000
public_origin: https://app.example.com
clerk:
  publishable_key: pk_live_Y2xlcmsuZXhhbXBsZS5jb20k
limits:
  api: { rate: 100/1m }
default: { access: org, limits: [api] }
"""

    def test_version_says_version_and_libraries(self):
        done = orggate("version")
        self.assertEqual(done.returncode, 0)
        self.assertRegex(done.stdout, r"orggate \d+\.\d+\.\d+")
        for library in ("OpenSSL", "Boost"):
            self.assertIn(library, done.stdout)

    def test_usage_errors_exit_with_2(self):
        for arguments in (["nonsense"], ["run", "--nonsense"], ["run", "--config"]):
            with self.subTest(arguments):
                self.assertEqual(orggate(*arguments).returncode, 2)
        self.assertEqual(orggate("--help").returncode, 0)

    def test_check_of_a_good_file(self):
        done = orggate("check", "--config", self.scratch.write("good.yaml", self.GOOD))
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_check_tells_all_mistakes_at_once_with_their_places(self):
        bad = self.GOOD.replace("100/1m", "100").replace("access: org", "access: everybody") + "upstreem: x\n"
        file = self.scratch.write("bad.yaml", bad)
        done = orggate("check", "--config", file)
        self.assertEqual(done.returncode, 1)
        places = re.findall(rf"^{re.escape(str(file))}:(\d+):(\d+): ", done.stdout + done.stderr, re.M)
        self.assertEqual(sorted({int(line) for line, _ in places}), [8, 9, 10], done.stdout + done.stderr)

    def test_check_strict_fails_on_warnings(self):
        unlimited = self.GOOD.replace(", limits: [api]", "").replace("public_origin: https://app.example.com\n", "")
        file = self.scratch.write("warns.yaml", unlimited)
        self.assertEqual(orggate("check", "--config", file).returncode, 0)
        self.assertEqual(orggate("check", "--strict", "--config", file).returncode, 1)

    def test_run_with_a_bad_file_exits_with_1_and_says_why(self):
        file = self.scratch.write("bad.yaml", self.GOOD + "nonsense: 1\n")
        done = orggate("run", "--config", file)
        self.assertEqual(done.returncode, 1)
        self.assertIn("nonsense", done.stdout + done.stderr)
        self.assertEqual(orggate("run", "--config", self.scratch.path / "absent.yaml").returncode, 1)

    def test_a_secret_in_the_environment_is_never_printed(self):
        secret = "sk_live_thisMustNeverBePrinted"
        bad = self.GOOD + "nonsense: ${TOP_SECRET}\nlisten_more: ${TOP_SECRET}\n"
        done = orggate("check", "--config", self.scratch.write("bad.yaml", bad), environment={"TOP_SECRET": secret})
        self.assertEqual(done.returncode, 1)
        self.assertNotIn(secret, done.stdout + done.stderr)

    def test_an_address_already_taken_exits_with_1(self):
        app = self.start_app()
        file = self.scratch.write("taken.yaml", self.GOOD.replace("127.0.0.1:0", f"127.0.0.1:{app.port}"))
        done = orggate("run", "--config", file)
        self.assertEqual(done.returncode, 1)
        self.assertIn(str(app.port), done.stdout + done.stderr)

    def test_without_a_file_the_environment_makes_a_gate(self):
        done = orggate("check", environment={
            "CLERK_PUBLISHABLE_KEY": shared_clerk().publishable_key, "ORGGATE_UPSTREAM": "http://127.0.0.1:3000"})
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertEqual(orggate("check").returncode, 1)

    def test_healthcheck_finds_the_process_by_its_address_file(self):
        gate = self.start_gate(self.start_app().url).wait_until_ready()
        self.assertEqual(orggate("healthcheck", "--address-file", gate.address_file).returncode, 0)
        self.assertEqual(orggate("healthcheck", "--address-file", self.scratch.path / "absent").returncode, 1)
        copy = self.scratch.write("address", gate.address_file.read_text())
        gate.process.stop()
        self.assertEqual(orggate("healthcheck", "--address-file", copy).returncode, 1)


class Signals(Case):
    def load(self, gate, clients=8):
        """Clients that reconnect as they are told to; `finish()` gives (answered, what went wrong)."""
        answered, wrong, over = [0] * clients, [], threading.Event()

        def ask(number):
            connection = None
            while not over.is_set():
                try:
                    fresh = connection is None
                    connection = connection or gate.connect()
                except ConnectionRefusedError:
                    return  # the listener is closed: nothing was sent
                try:
                    connection.send(compose("GET", "/slow", bearer(token())))
                    answer = connection.read()
                except OSError as error:
                    answer, error_text = None, str(error)
                else:
                    error_text = "closed"
                if answer is None or answer.status != 200:
                    wrong.append((fresh, answer.status if answer else error_text, connection.buffer[:200]))
                    return
                answered[number] += 1
                if (answer.get("connection") or "").lower() == "close":
                    connection.close()
                    connection = None
            if connection:
                connection.close()
        threads = [threading.Thread(target=ask, args=(i,)) for i in range(clients)]
        for thread in threads:
            thread.start()

        def finish():
            over.set()
            for thread in threads:
                thread.join()
            return sum(answered), wrong
        self.addCleanup(over.set)
        wait_for(lambda: sum(answered) > 50, "load")
        return answered, finish

    def slow_app(self):
        app = self.start_app()

        def slow(peer, head):
            time.sleep(0.01)
            respond(peer, "done")
        app.on("/slow", slow)
        return app

    def test_sigterm_under_load_loses_nothing(self):
        gate = self.start_gate(self.slow_app().url, {"drain": {"delay": "700ms", "timeout": "10s"}}).wait_until_ready()
        answered, finish = self.load(gate)
        gate.process.send_signal(signal.SIGTERM)
        self.assertEqual(gate.process.wait(), 0)
        total, wrong = finish()
        self.assertEqual(wrong, [], f"of {total} requests")

    def test_what_waits_in_the_accept_queue_at_sigterm_is_answered(self):
        gate = self.start_gate(self.slow_app().url).wait_until_ready()
        gate.process.send_signal(signal.SIGSTOP)
        waiting = []
        for _ in range(40):
            connection = gate.connect()
            connection.send(compose("GET", "/slow", bearer(token())))
            waiting.append(connection)
        gate.process.send_signal(signal.SIGTERM)
        gate.process.send_signal(signal.SIGCONT)
        for connection in waiting:
            self.check_allowed(connection.read())
            connection.close()
        self.assertEqual(gate.process.wait(), 0)

    def test_a_request_in_flight_is_finished_and_its_connection_closed(self):
        app, go_on = self.start_app(), threading.Event()

        def held(peer, head):
            go_on.wait(10)
            respond(peer, "done")
        app.on("/held", held)
        gate = self.start_gate(app.url).wait_until_ready()
        with gate.connect() as connection, gate.connect() as resting:
            self.check_allowed(resting.ask("GET", "/x", bearer(token())))
            connection.send(compose("GET", "/held", bearer(token())))
            wait_for(lambda: app.heads("/held"), "the request to arrive")
            gate.process.send_signal(signal.SIGTERM)
            self.assertTrue(resting.is_closed(), "an idle connection outlives the drain")
            self.assertTrue(gate.process.is_running())
            go_on.set()
            answer = connection.read()
            self.assertEqual((answer.status, answer.body), (200, b"done"))
            self.assertEqual(answer.get("connection"), "close")
            self.assertTrue(connection.is_closed())
        self.assertEqual(gate.process.wait(), 0)

    def test_readiness_turns_before_the_listener_closes(self):
        gate = self.start_gate(self.start_app().url, {"drain": {"delay": "1500ms", "unready": "at_once"}})
        gate.wait_until_ready()
        gate.process.send_signal(signal.SIGTERM)
        wait_for(lambda: gate.telemetry("/readyz").status == 503, "unreadiness")
        answer = gate.ask(token=token())
        self.check_allowed(answer)
        self.assertEqual(answer.get("connection"), "close")
        self.assertEqual(gate.process.wait(), 0)

    def test_a_dead_app_while_draining_is_503_with_retry_after(self):
        app = self.start_app()
        gate = self.start_gate(app.url, {"drain": {"delay": "2s"}}).wait_until_ready()
        app.close()
        self.check_refusal(gate.ask(token=token()), 502, "upstream_unreachable")
        gate.process.send_signal(signal.SIGTERM)

        def drains():
            answer = gate.ask(token=token())
            return answer if answer.status == 503 else None
        answer = wait_for(drains, "the drain to show", 1.5)
        self.check_refusal(answer, 503, "draining")
        self.assertGreaterEqual(int(answer.get("retry-after")), 1)
        self.assertEqual(gate.process.wait(), 0)

    def test_a_drain_that_takes_too_long_is_ended(self):
        app = self.start_app()
        app.on("/held", lambda peer, head: peer.fill())
        gate = self.start_gate(app.url, {"drain": {"timeout": "500ms"}}).wait_until_ready()
        with gate.connect() as connection:
            connection.send(compose("GET", "/held", bearer(token())))
            wait_for(lambda: app.heads("/held"), "the request to arrive")
            began = time.monotonic()
            gate.process.send_signal(signal.SIGTERM)
            self.assertEqual(gate.process.wait(), 0)
            self.assertLess(time.monotonic() - began, 6)

    def second_signal(self, first, second):
        app = self.start_app()
        app.on("/held", lambda peer, head: peer.fill())
        gate = self.start_gate(app.url, {"drain": {"timeout": "60s"}}, expected_exit=3).wait_until_ready()
        with gate.connect() as connection:
            connection.send(compose("GET", "/held", bearer(token())))
            wait_for(lambda: app.heads("/held"), "the request to arrive")
            gate.process.send_signal(first)
            wait_for(lambda: not self.accepts(gate), "the listener to close")
            gate.process.send_signal(second)
            self.assertEqual(gate.process.wait(), 3)

    def accepts(self, gate):
        try:
            gate.connect().close()
            return True
        except ConnectionRefusedError:
            return False

    def test_a_second_sigterm_exits_with_3(self):
        self.second_signal(signal.SIGTERM, signal.SIGTERM)

    def test_a_second_sigint_exits_with_3(self):
        self.second_signal(signal.SIGINT, signal.SIGINT)

    def test_idle_it_ends_within_a_second(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            gate = self.start_gate(self.start_app().url).wait_until_ready()
            began = time.monotonic()
            self.assertEqual(gate.process.stop(number), 0)
            self.assertLess(time.monotonic() - began, 3)

    def test_a_signal_as_soon_as_it_says_it_serves_is_heeded(self):
        app = self.start_app()
        for _ in range(8):
            self.assertEqual(self.start_gate(app.url, wait=False).process.stop(), 0)

    def test_sigint_does_not_wait_for_the_delay(self):
        gate = self.start_gate(self.start_app().url, {"drain": {"delay": "60s"}}).wait_until_ready()
        self.assertEqual(gate.process.stop(signal.SIGINT), 0)

    def test_other_signals_change_nothing(self):
        gate = self.start_gate(self.start_app().url).wait_until_ready()
        gate.process.send_signal(signal.SIGPIPE)
        gate.process.send_signal(signal.SIGUSR1)
        self.check_allowed(gate.ask(token=token()))

    def test_a_log_file_moved_away_is_opened_again(self):
        gate = self.start_gate(self.start_app().url).wait_until_ready()
        self.check_allowed(gate.ask(target="/before", token=token()))
        gate.access_lines(path="/before")
        gate.access_file.rename(gate.scratch.path / "rotated.log")
        gate.process.send_signal(signal.SIGUSR1)
        wait_for(gate.access_file.exists, "the new file")
        self.check_allowed(gate.ask(target="/after", token=token()))
        gate.access_lines(path="/after")


class Exhaustion(Case):
    def test_no_descriptor_left_does_not_end_listening(self):
        gate = self.start_gate(self.start_app().url, {"workers": 1}, limits=("--nofile=64:64",)).wait_until_ready()
        self.check_allowed(gate.ask(token=token()))
        crowd = []
        for _ in range(150):
            crowd.append(gate.connect())
        wait_for(lambda: gate.process.open_files() >= 60, "the descriptors to run out")
        time.sleep(0.3)  # let it meet the error again and again
        before = self.cpu(gate)
        time.sleep(0.5)
        self.assertLess(self.cpu(gate) - before, 0.25, "it spins on the error")
        for connection in crowd:
            connection.close()
        wait_for(lambda: self.serves(gate), "it to accept again")

    @staticmethod
    def cpu(gate):
        with open(f"/proc/{gate.process.pid}/stat") as file:
            fields = file.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def serves(self, gate):
        try:
            with Connection(gate.port, patience=2) as connection:
                answer = connection.ask("GET", "/", bearer(token()))
                return answer is not None and answer.status == 200
        except OSError:
            return False

    def test_connections_that_come_and_go_leave_nothing_behind(self):
        gate = self.start_gate(self.start_app().url).wait_until_ready()
        self.check_allowed(gate.ask(token=token()))
        before = gate.process.open_files()
        for i in range(600):
            connection = gate.connect()
            if i % 3:
                connection.send(compose("GET", "/", bearer(token()))[:i % 200])
            connection.close()
        wait_for(lambda: gate.process.open_files() <= before + 4, "the descriptors to come back")
        self.check_allowed(gate.ask(token=token()))


class Telemetry(Case):
    def test_probes_and_metrics_live_on_their_own_port(self):
        gate = self.start_gate(self.start_app().url, {"default": {"access": "org", "limits": []}}).wait_until_ready()
        for path in ("/healthz", "/readyz", "/startupz"):
            self.assertEqual(gate.telemetry(path).status, 200, path)
            # On the app's port they are the app's, and gated like anything else.
            self.check_refusal(gate.ask(target=path), 401, "token_missing")
        self.assertEqual(gate.telemetry("/nothing").status, 404)
        self.assertTrue(gate.telemetry("/readyz?verbose").body)

    def test_metrics_count_what_happened(self):
        gate = self.start_gate(self.start_app().url, {
            "limits": {"api": {"rate": "3/1m"}}, "default": {"access": "org", "limits": ["api"]}}).wait_until_ready()
        for _ in range(5):
            gate.ask(token=token(org="org_counted"))
        gate.ask()
        text = wait_for(lambda: (t := gate.telemetry("/metrics").body.decode()).count("quota_exhausted") and t, "counts")
        for line in text.splitlines():
            self.assertRegex(line, r"^(# (HELP|TYPE) orggate_\w+ .+|orggate_\w+(\{[^}]*\})? [-+0-9.eInfNa]+)$")
        samples = gate.metrics()
        refused = {k: v for k, v in samples.items() if "refused" in k and "shadow" not in k}
        self.assertEqual([v for k, v in refused.items() if '"token_missing"' in k], [1.0], refused)
        self.assertEqual([v for k, v in refused.items() if '"quota_exhausted"' in k], [2.0], refused)
        self.assertEqual([v for k, v in samples.items() if "exceptions" in k], [0.0])
        self.assertNotIn("org_counted", text)

    def test_an_app_that_is_down_is_not_ready(self):
        app = self.start_app()
        gate = self.start_gate(app.url).wait_until_ready()
        app.close()
        wait_for(lambda: gate.telemetry("/readyz").status == 503, "unreadiness")
        self.assertEqual(gate.telemetry("/startupz").status, 200)
        self.assertEqual(gate.telemetry("/healthz").status, 200)


class AccessLog(Case):
    FIELDS = {"ts", "level", "msg", "request_id", "trace_id", "method", "host", "path", "status", "duration_ms",
              "bytes_in", "bytes_out", "client_ip", "route", "verdict"}

    def test_one_line_for_each_request(self):
        gate = self.start_gate(self.start_app().url, {
            "limits": {"api": {"rate": "100/1m"}},
            "routes": [{"name": "things", "paths": ["/things(.*)"], "access": "org", "limits": ["api"]}],
        }).wait_until_ready()
        answer = gate.ask(target="/things?secret=1", token=token(org="org_acme", sub="user_ada"))
        line = gate.access_lines(path="/things")[0]
        self.assertTrue(self.FIELDS <= set(line), self.FIELDS - set(line))
        self.assertEqual(
            (line["status"], line["method"], line["host"], line["client_ip"], line["route"], line["org_id"],
             line["user_id"], line["token_kind"], line["limit"], line["remaining"], line["verdict"]),
            (200, "GET", "app.example.com", "127.0.0.1", "things", "org_acme", "user_ada", "session", "api", 99, "allowed"))
        self.assertEqual(line["request_id"], answer.get("x-request-id"))
        self.assertNotIn("secret", json.dumps(line))
        gate.ask(target="/things/refused")
        refused = gate.access_lines(path="/things/refused")[0]
        self.assertEqual((refused["status"], refused["verdict"], refused["reason"]), (401, "refused", "token_missing"))

    def test_hostile_text_stays_inside_its_line(self):
        gate = self.start_gate(self.start_app().url).wait_until_ready()
        gate.ask(target="/%22%7D%0Aevil".replace("%0A", "%E2%80%A8") + "a" * 6000, token=token())
        gate.ask(target='/x"y{}', token=token())
        line = gate.access_lines(count=2)[0]
        self.assertIn("status", line)
        for text in gate.access_file.read_bytes().splitlines():
            self.assertLessEqual(len(text), 4000)
            json.loads(text)

    def test_a_stalled_reader_of_standard_output_stalls_nobody(self):
        app = self.start_app()
        scratch = Scratch()
        self.addCleanup(scratch.close)
        config = {"version": 1, "listen": "127.0.0.1:0", "telemetry": "127.0.0.1:0", "upstream": app.url,
                  "public_origin": "https://app.example.com", "clerk": shared_clerk().config(), "workers": 1,
                  "drain": {"delay": "0s", "timeout": "3s"}, "log": {"level": "error", "access": "stdout"}}
        file = scratch.write("orggate.yaml", json.dumps(config))
        child = subprocess.Popen([BINARY, "run", "--config", file, "--address-file", scratch.path / "address"],
                                 stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)  # and nobody reads
        try:
            text = wait_for(lambda: (scratch.path / "address").exists() and (scratch.path / "address").read_text(), "it")
            port = int(json.loads(text)["listen"][0].rpartition(":")[2])
            request = compose("GET", "/" + "p" * 1500, bearer(token()))
            with Connection(port) as connection:
                wait_for(lambda: connection.send(request) or connection.read().status == 200, "keys")
                for _ in range(300):  # far more than a pipe holds
                    connection.send(request)
                    self.assertEqual(connection.read().status, 200)
        finally:
            child.terminate()
            try:
                child.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
            child.stdout.close()
        self.assertEqual(child.returncode, 0)
