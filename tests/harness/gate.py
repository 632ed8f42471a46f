"""orggate itself as a process, with a config made from a base and what a test changes."""
import json
import re
import signal
import time

from . import clerk as clerk_module
from .client import JSON, Connection, bearer
from .process import Process, Scratch, binary, wait_for

SANITIZER_REPORT = re.compile(r"(Address|Thread|Leak|UndefinedBehavior)Sanitizer|runtime error:")


def merge(base, changes):
    """`changes` over `base`, mappings merged key by key; None takes a key away."""
    out = dict(base)
    for key, value in changes.items():
        if isinstance(value, dict) and isinstance(out.get(key), dict):
            out[key] = merge(out[key], value)
        elif value is None:
            out.pop(key, None)
        else:
            out[key] = value
    return out


class Gate:
    """Started and serving when constructed. `changes` go over the base config."""

    def __init__(self, clerk, upstream, changes=None, limits=(), environment=None, expected_exit=0):
        self.scratch, self.expected_exit = Scratch(), expected_exit
        self.access_file = self.scratch.path / "access.log"
        self.address_file = self.scratch.path / "address"
        base = {
            "version": 1,
            "listen": "127.0.0.1:0",
            "telemetry": "127.0.0.1:0",
            "workers": 2,
            "public_origin": "https://app.example.com",
            "upstream": upstream,
            "clerk": clerk.config() if clerk else {},
            "drain": {"delay": "0s", "timeout": "10s"},
            "log": {"level": "debug", "access": str(self.access_file)},
        }
        if upstream is None:
            del base["upstream"]
        self.config = merge(base, changes or {})
        # JSON is YAML.
        self.config_file = self.scratch.write("orggate.yaml", json.dumps(self.config, indent=1))
        self.process = Process(
            [binary("ORGGATE_BIN", "build/debug/orggate"), "run", "--config", self.config_file,
             "--address-file", self.address_file], self.scratch.path / "log", environment, limits)
        try:
            self.addresses = self.process.wait_for_address_file(self.address_file)
        except Exception:
            self.process.stop(signal.SIGKILL)
            raise
        self.port = self.port_of(self.addresses["listen"][0])
        self.telemetry_port = self.port_of(self.addresses["telemetry"])

    @staticmethod
    def port_of(address):
        return int(address.rpartition(":")[2])

    def close(self):
        """Stops it and looks at what every run must hold."""
        code = self.process.stop()
        output = self.process.output()
        access = self.access_file.read_text(errors="replace") if self.access_file.exists() else ""
        self.scratch.close()
        if SANITIZER_REPORT.search(output):
            raise AssertionError(f"a sanitizer spoke:\n{output[-6000:]}")
        if code != self.expected_exit:
            raise AssertionError(f"orggate exited with {code}:\n{output[-3000:]}")
        for secret in clerk_module.credentials:
            if secret and (secret[:8] in output + access or secret[-8:] in output + access):
                raise AssertionError("a credential stands in a log")

    # requests
    def connect(self, **more):
        return Connection(self.port, **more)

    def ask(self, method="GET", target="/", headers=None, body=b"", token=None, version="1.1"):
        """One request on a connection of its own."""
        fields = {**JSON, **(bearer(token) if token else {}), **(headers or {})}
        with self.connect() as connection:
            return connection.ask(method, target, fields, body, version)

    # telemetry
    def telemetry(self, path):
        with Connection(self.telemetry_port) as connection:
            return connection.ask("GET", path, {"Host": "127.0.0.1", "Connection": "close"})

    def metrics(self):
        """{'name{labels}': value} of all samples."""
        samples = {}
        for line in self.telemetry("/metrics").body.decode().splitlines():
            if line and not line.startswith("#"):
                name, _, value = line.rpartition(" ")
                samples[name] = float(value)
        return samples

    def wait_for_keys(self, foreign_token):
        """Until tokens are judged. `foreign_token` is signed by a stranger under a known key id."""
        def judges():
            answer = self.ask(target="/is-judged", token=foreign_token)
            return answer is not None and answer.status != 503
        wait_for(judges, "keys")
        return self

    def wait_until_ready(self):
        wait_for(lambda: self.telemetry("/readyz").status == 200, "readiness")
        return self

    def access_lines(self, count=1, **wanted):
        """At least `count` access records that carry `wanted`; they are written behind the answers."""
        def find():
            if not self.access_file.exists():
                return None
            records = [json.loads(line) for line in self.access_file.read_text().splitlines() if line.endswith("}")]
            found = [r for r in records if all(r.get(k) == v for k, v in wanted.items())]
            return found if len(found) >= count else None
        return wait_for(find, f"{count} access lines with {wanted}")


def busy_for(seconds):
    """Yields until the time is over: for loads with an end."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        yield
