"""Child processes that are always stopped, by their own id, and waits that always end."""
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
SANITIZER = os.environ.get("ORGGATE_SANITIZER", "")  # asan, tsan or empty
PATIENCE = 60 if SANITIZER else 20  # seconds until a wait is a failure


def binary(variable, default):
    path = pathlib.Path(os.environ.get(variable) or ROOT / default)
    if not path.exists():
        sys.exit(f"{path} does not exist: build it, or say where it is in {variable}")
    return str(path)


def wait_for(condition, what, patience=PATIENCE):
    """Polls until `condition()` gives something true, and gives it; never longer than `patience` seconds."""
    deadline = time.monotonic() + patience
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {patience} s for {what}")
        time.sleep(0.005)


class Scratch:
    """A folder of its own, gone afterwards."""

    def __init__(self):
        self.path = pathlib.Path(tempfile.mkdtemp(prefix="orggate-"))

    def write(self, name, text):
        file = self.path / name
        file.write_text(text) if isinstance(text, str) else file.write_bytes(text)
        return file

    def close(self):
        shutil.rmtree(self.path, ignore_errors=True)


class Process:
    """A program under test; its output goes to a file that `output()` reads."""

    def __init__(self, arguments, log, environment=None, limits=()):
        self.log_path = pathlib.Path(log)
        self.arguments = [str(a) for a in arguments]
        command = ["prlimit", *limits, "--", *self.arguments] if limits else self.arguments
        with open(self.log_path, "wb") as out:
            self.child = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT,
                env={**os.environ, **(environment or {})})
        self.pid = self.child.pid

    def output(self):
        return self.log_path.read_text(errors="replace")

    def is_running(self):
        return self.child.poll() is None

    def send_signal(self, number):
        self.child.send_signal(number)

    def wait(self, patience=PATIENCE):
        return self.child.wait(patience)

    def stop(self, number=signal.SIGTERM, patience=PATIENCE):
        """Ends it, and gives its exit code."""
        if self.is_running():
            self.send_signal(number)
            try:
                self.wait(patience)
            except subprocess.TimeoutExpired:
                self.child.kill()
                self.wait()
        return self.child.returncode

    def wait_for_address_file(self, file):
        """The JSON a program writes once it serves."""
        file = pathlib.Path(file)

        def read():
            if not self.is_running():
                raise RuntimeError(f"{self.arguments[0]} ended with {self.child.returncode}:\n{self.output()[-4000:]}")
            try:
                return json.loads(file.read_text())
            except (FileNotFoundError, ValueError):
                return None
        return wait_for(read, f"{self.arguments[0]} to serve; it said:\n{self.output()[-2000:]}")

    # What /proc knows of it.
    def resident_kib(self):
        text = pathlib.Path(f"/proc/{self.pid}/status").read_text()
        return next(int(line.split()[1]) for line in text.splitlines() if line.startswith("VmRSS"))

    def open_files(self):
        return len(os.listdir(f"/proc/{self.pid}/fd"))
