#!/usr/bin/env python3
"""Runs tests/data/http1-cases.json against the real binary, under invariance rules.

Every case is sent whole, byte by byte and split at each offset (over 2 KiB: at the first and last
256 and at every 997th); the verdict must be the wanted one, and the same in every form. What may
not be passed on never arrives upstream, also with another request behind it.

usage: tests/wire/run.py [--sample N] [--only ID[,ID]] [--verbose]
  --sample N   one split in N (1: all of them)
  environment  ORGGATE_BIN (build/debug/orggate)
"""
import argparse
import asyncio
import collections
import itertools
import pathlib
import socket
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import cases as wire  # noqa: E402
from harness import http1, keys, process  # noqa: E402
from recorder import Recorder  # noqa: E402

CONFIG = """
version: 1
listen: 127.0.0.1:0
telemetry: 127.0.0.1:0
workers: 2
upstream: http://127.0.0.1:{upstream}
clerk:
  publishable_key: {publishable_key}
  jwt_key_file: {key}
  authorized_parties: ["https://app.example.com"]
default: {{ access: org, limits: [] }}
routes:
  - {{ name: gated, paths: ["/evil(.*)", "/private(.*)"], access: org }}
  - {{ name: open, paths: ["/(.*)"], methods: [GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS], access: public }}
http:
  body: 10MiB
  timeouts: {{ client_head: 15s, body_gap: 15s }}
log: {{ level: warn, access: off }}
"""

AT_ONCE = 48      # connections
PAUSE = 0.0015    # between pieces: the peer has read the one before
PATIENCE = process.PATIENCE
PROBE = b"GET /probe HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"


class Exchange:
    """One delivery on one connection: what was sent, what came back."""

    def __init__(self, case, form, pieces, address):
        self.case, self.form, self.pieces, self.address = case, form, pieces, address
        self.received, self.eof, self.note = b"", False, ""
        self.changed = asyncio.Event()

    async def run(self, port):
        loop = asyncio.get_running_loop()
        sock = socket.socket()
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.bind((self.address, 0))
        reading = None
        try:
            await loop.sock_connect(sock, ("127.0.0.1", port))
            reading = asyncio.create_task(self.read(loop, sock))
            await asyncio.wait_for(self.talk(loop, sock), PATIENCE)
        except asyncio.TimeoutError:
            first = self.received.partition(b"\r\n")[0].decode("latin-1")
            self.note = f"still open after {PATIENCE} s; it said {first!r}"
        except OSError as error:
            self.note = f"socket: {error}"
        finally:
            if reading:
                reading.cancel()
                await asyncio.gather(reading, return_exceptions=True)
            sock.close()

    async def read(self, loop, sock):
        try:
            while data := await loop.sock_recv(sock, 65536):
                self.received += data
                self.changed.set()
        except ConnectionError:
            pass
        self.eof = True
        self.changed.set()

    async def send(self, loop, sock, data):
        try:
            await loop.sock_sendall(sock, data)
        except ConnectionError:
            pass  # closed by the peer; what it said first is still to be read

    async def talk(self, loop, sock):
        for number, piece in enumerate(self.pieces):
            if number:
                await asyncio.sleep(PAUSE)
            if self.eof:
                break
            await self.send(loop, sock, piece)
        if not self.case.close:
            # Does the connection still serve? The answer to a probe tells, and ends it.
            await self.until(lambda: self.eof or self.final_responses())
            await self.send(loop, sock, PROBE)
        await self.until(lambda: self.eof)

    async def until(self, condition):
        while not condition():
            self.changed.clear()
            await self.changed.wait()

    def responses(self):
        # A client that sent HEAD reads no body, whatever the answer.
        methods = [self.case.method] if self.case.method == "HEAD" else []
        return http1.take_responses(self.received, methods, self.eof)

    def final_responses(self):
        try:
            return [r for r in self.responses()[0] if r.status >= 200]
        except http1.Broken:
            return [None]

    def verdict(self):
        """(statuses, whether the connection went on), or a string that says what is wrong."""
        if self.note:
            return self.note
        try:
            responses, rest = self.responses()
        except http1.Broken as problem:
            return f"broken answer: {problem}"
        if rest:
            return f"bytes behind the answers: {rest[:80]!r}"
        kept = bool(responses) and responses[-1].body == b"/probe"
        return tuple(r.status for r in responses[:-1 if kept else None]), kept


def judge(exchange, recorder):
    """What is wrong with one delivery; empty: nothing."""
    case, verdict = exchange.case, exchange.verdict()
    if isinstance(verdict, str):
        return verdict
    statuses, kept = verdict
    arrived = [m for m in recorder.requests[exchange.address] if m.target != "/probe"]
    cut_off = recorder.cut_off[exchange.address]
    if not statuses:
        return "no answer"
    first = "pass" if statuses[0] == 200 else statuses[0]
    if first not in case.statuses:
        return f"answered {statuses}"
    if case.close is not None and kept == case.close:
        return f"connection {'kept' if kept else 'closed'} after {statuses}"
    if case.refused_only and len(statuses) > 1:
        return f"more than one answer: {statuses}"
    problem = wire.UPSTREAM[case.upstream](arrived)
    if problem is not True:
        return f"upstream: {problem}"
    if len(arrived) != statuses.count(200):
        return f"upstream: {len(arrived)} requests for answers {statuses}"
    if cut_off and not wire.FAULT_IN_BODY.match(case.id):
        return f"upstream: begun: {cut_off[0][:200]!r}"
    for message in arrived:
        if bad := wire.forbidden_fields(message):
            return f"upstream: {bad} arrived"
        if wire.GATED.match(message.target):
            return f"upstream: {message.target} arrived without a token"
    if any(b"/evil" in raw for raw in [*cut_off, *(m.raw for m in arrived)]):
        return "upstream: bytes of /evil arrived"
    return ""


def report(case, exchanges, recorder, verbose):
    """Prints what is wrong with one case and says whether it is as wanted."""
    wrong = [(e, problem) for e in exchanges if (problem := judge(e, recorder))]
    verdicts = {}
    for exchange in exchanges:
        arrived = tuple((m.start, m.body) for m in recorder.requests[exchange.address])
        verdicts.setdefault((exchange.verdict(), arrived), exchange.form)
    if not wrong and len(verdicts) > 1:
        wrong = [(exchanges[0], f"the verdict depends on the delivery: {verdicts}")]
    for exchange, problem in wrong[:3]:
        print(f"FAILED {case.id} ({case.title}), {exchange.form}: {problem}")
    if len(wrong) > 3:
        print(f"FAILED {case.id}: and {len(wrong) - 3} more of {len(exchanges)} deliveries")
    if verbose and not wrong:
        print(f"ok {case.id} ({case.title}): {next(iter(verdicts))[0]}, {len(exchanges)} deliveries")
    return not wrong


async def run_all(selected, sample, port):
    # 127.0.0.0/8 holds an own address for each.
    numbers = itertools.count(0x7F010101)
    exchanges = [Exchange(case, form, pieces, socket.inet_ntoa(next(numbers).to_bytes(4, "big")))
                 for case in selected for form, pieces in wire.deliveries(case, sample)]
    gate, stalled = asyncio.Semaphore(AT_ONCE), collections.Counter()

    async def one(exchange):
        async with gate:
            if stalled[exchange.case.id] >= 3:
                exchange.note = "not sent: the case stalls"
                return
            await exchange.run(port)
            stalled[exchange.case.id] += bool(exchange.note)
    # Long ones first, so that they do not trail.
    await asyncio.gather(*map(one, sorted(exchanges, key=lambda e: -len(e.pieces))))
    return exchanges


async def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--sample", type=int, default=1)
    arguments.add_argument("--only", default="")
    arguments.add_argument("--verbose", action="store_true")
    options = arguments.parse_args()
    only = set(filter(None, options.only.split(",")))
    selected = [case for case in wire.load() if not only or case.id in only]

    started = time.monotonic()
    scratch, recorder, orggate = process.Scratch(), Recorder(), None
    try:
        await recorder.start()
        config = scratch.write("orggate.yaml", CONFIG.format(
            upstream=recorder.port, key=keys.make_public_key(scratch.path), publishable_key=keys.PUBLISHABLE_KEY))
        orggate = process.Process(
            [process.binary("ORGGATE_BIN", "build/debug/orggate"), "run", "--config", config,
             "--address-file", scratch.path / "address"], scratch.path / "log")
        port = int(orggate.wait_for_address_file(scratch.path / "address")["listen"][0].rpartition(":")[2])
        exchanges = await run_all(selected, options.sample, port)
        alive = orggate.is_running()
        code = await asyncio.to_thread(orggate.stop)
        await recorder.finish()
    finally:
        if orggate:
            orggate.stop()

    good = sum([report(case, [e for e in exchanges if e.case is case], recorder, options.verbose) for case in selected])
    faults = [f"upstream got what no strict peer takes: {fault}" for fault in recorder.faults]
    known = {e.address for e in exchanges}
    faults += [f"a request for nobody: {a}" for a in {*recorder.requests, *recorder.cut_off} - known]
    if not alive or code != 0:
        faults.append(f"the process {'ended' if not alive else 'exited'} with {code}: {orggate.output()[-3000:]}")
    for fault in faults[:10]:
        print(f"FAILED {fault}")
    scratch.close()
    failed = len(selected) - good + bool(faults)
    print(f"wire: {len(exchanges)} deliveries in {time.monotonic() - started:.0f} s")
    print(f"wire: {good} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
