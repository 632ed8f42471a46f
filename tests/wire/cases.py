"""The wire cases: their exact bytes, how they are delivered, and what must become of each."""
import json
import re
from dataclasses import dataclass

from harness.process import ROOT

# In these the head is good and the fault stands in the body. A proxy that streams bodies has
# begun the upstream exchange when it meets the fault; then "nothing" means nothing whole: the
# upstream request is cut off, so that no peer can take it for a request.
FAULT_IN_BODY = re.compile(r"F2[0-5]")

# Paths that need a token here; all others are public.
GATED = re.compile(r"/(evil|private)")


@dataclass(frozen=True)
class Case:
    id: str
    title: str
    bytes: bytes
    statuses: frozenset  # numbers and "pass"
    close: object        # True | False | None: either
    upstream: str

    @property
    def refused_only(self):
        return self.upstream == "nothing"

    @property
    def method(self):
        return self.bytes.split(b" ")[0].decode("latin-1")

    @property
    def target(self):
        return self.bytes.split(b" ")[1].decode("latin-1")


def build(parts):
    out = b""
    for part in parts:
        out += part.encode("latin-1") if isinstance(part, str) else part["repeat"].encode("latin-1") * part["times"]
    return out


def load():
    rows = json.loads((ROOT / "tests/data/http1-cases.json").read_text())["cases"]
    cases = []
    for row in rows:
        raw, expect = build(row["parts"]), row["expect"]
        statuses = set(expect["status"])
        if "auth" in statuses:  # handled like any request: by the access of its path
            statuses.remove("auth")
            gated = GATED.match(raw.split(b" ")[1].decode("latin-1"))
            statuses.add(401 if gated else "pass")
        cases.append(Case(row["id"], row["title"], raw, frozenset(statuses), expect["close"], expect["upstream"]))
    return cases


def split_offsets(length):
    """Every offset; in long inputs the first and last 256 and every 997th."""
    if length <= 2048:
        return list(range(1, length))
    return sorted({*range(1, 257), *range(length - 256, length), *range(997, length, 997)})


CANARY_GATED = b"GET /evil HTTP/1.1\r\nHost: a\r\n\r\n"
CANARY_OPEN = b"GET /canary HTTP/1.1\r\nHost: a\r\n\r\n"


def deliveries(case, sample):
    """(name, pieces) for each way the case is sent; `sample`: one split in so many."""
    raw = case.bytes
    yield "whole", [raw]
    if len(raw) <= 2048:
        yield "byte by byte", [raw[i:i + 1] for i in range(len(raw))]
    else:
        middle = [raw[i:i + 997] for i in range(256, len(raw) - 256, 997)]
        middle[-1] = raw[256 + 997 * (len(middle) - 1):-256]
        yield "byte by byte", [bytes([b]) for b in raw[:256]] + middle + [bytes([b]) for b in raw[-256:]]
    # The sample walks through the offsets so that the cases together see all of them.
    offsets = split_offsets(len(raw))
    first = sum(case.id.encode()) % sample
    for offset in offsets[first::sample] or offsets[:1]:
        yield f"split at {offset}", [raw[:offset], raw[offset:]]
    if case.refused_only and case.close:
        yield "with the canary", [raw + CANARY_GATED]
        yield "with an open canary", [raw + CANARY_OPEN]


# What may reach the upstream, by the words of the data; each gets the messages that arrived.
def at_most_one(messages):
    return len(messages) <= 1 or f"{len(messages)} requests arrived"


def exactly_one(messages):
    return len(messages) == 1 or f"{len(messages)} requests arrived"


def none(messages):
    return not messages or f"{[m.start for m in messages]} arrived"


def body_hello(messages):
    return all(m.body == b"hello" for m in messages) and at_most_one(messages) or f"bodies {[m.body for m in messages]}"


def one_hello(messages):
    return exactly_one(messages) is True and body_hello(messages) or f"{len(messages)} arrived"


def unchanged(messages):
    return all(m.target == "/pub/%252e%252e/admin" for m in messages) or f"targets {[m.target for m in messages]}"


UPSTREAM = {
    "nothing": none,
    "nothing without a token": none,
    "one request or nothing": at_most_one,
    "one request, framing written by us": one_hello,
    "body hello, no extension": body_hello,
    "no such field, header or trailer": at_most_one,
    "no such trailer": at_most_one,
    "one request only": exactly_one,
    "body and length agree, or nothing": body_hello,
    "HTTP/1.1 request without Upgrade, HTTP2-Settings, Connection tokens": exactly_one,
    "no Upgrade; second request parsed and authorised by itself": exactly_one,
    "first request only": exactly_one,
    "bytes unchanged; rule match on the same bytes": unchanged,
    "no alias": at_most_one,
    "our values present": at_most_one,  # of nobody, so: none of the names, as for every request here
    "field removed": exactly_one,
}

# On requests of nobody none of these may be seen, whatever the client sent.
FORBIDDEN = re.compile(
    r"(x-(org|user|session|actor|auth|middleware|invoke|matched|clerk)(-.*)?|upgrade|http2-settings|te|trailer"
    r"|keep-alive|proxy.*|expect|content-length-.*|max-forwards)")


def forbidden_fields(message):
    bad = [name for name in message.names() if FORBIDDEN.fullmatch(name)]
    bad += [f"connection: {v}" for v in message.all("connection") if v.lower() not in ("keep-alive", "close")]
    return bad
