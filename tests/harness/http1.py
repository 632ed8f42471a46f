"""A strict reader of HTTP/1.1 messages: what a careful peer would take, and nothing else.

It judges what our program wrote, so every leniency here would hide a mistake there.
"""
import re
from dataclasses import dataclass, field


class Broken(Exception):
    """These bytes are not one well-formed message."""


@dataclass
class Message:
    start: str = ""
    fields: list = field(default_factory=list)
    body: bytes = b""
    framing: str = "none"  # none | sized | chunked | close
    raw: bytes = b""

    def all(self, name):
        return [value for key, value in self.fields if key.lower() == name.lower()]

    def get(self, name, default=None):
        values = self.all(name)
        return values[0] if values else default

    def names(self):
        return [key.lower() for key, _ in self.fields]

    # requests
    @property
    def method(self):
        return self.start.split(" ")[0]

    @property
    def target(self):
        return self.start.split(" ")[1]

    # responses
    @property
    def status(self):
        return int(self.start.split(" ")[1])


REQUEST_LINE = re.compile(r"[A-Z]+ (/[!-~]*|\*) HTTP/1\.1")
STATUS_LINE = re.compile(r"HTTP/1\.[01] [1-5][0-9][0-9] [ -~]*")
NAME = re.compile(r"[A-Za-z0-9-]+")
VALUE = re.compile(r"[!-~\x80-\xff]([\t -~\x80-\xff]*[!-~\x80-\xff])?|")
LENGTH = re.compile(r"0|[1-9][0-9]{0,18}")
CHUNK_SIZE = re.compile(rb"[0-9A-Fa-f]{1,16}")


def parse_head(block, is_request):
    """`block` ends with the blank line."""
    lines = block.decode("latin-1").removesuffix("\r\n\r\n").split("\r\n")
    message = Message(start=lines[0], raw=block)
    if not (REQUEST_LINE if is_request else STATUS_LINE).fullmatch(lines[0]):
        raise Broken(f"start line {lines[0]!r}")
    for line in lines[1:]:
        name, colon, value = line.partition(":")
        value = value.strip(" \t")
        if not colon or not NAME.fullmatch(name) or not VALUE.fullmatch(value):
            raise Broken(f"field line {line!r}")
        message.fields.append((name, value))
    return message


def frame(message, is_request, method):
    lengths, codings = message.all("content-length"), message.all("transfer-encoding")
    if len(lengths) + len(codings) > 1:
        raise Broken(f"framed more than once: {lengths} {codings}")
    if lengths and not LENGTH.fullmatch(lengths[0]):
        raise Broken(f"content-length {lengths[0]!r}")
    if codings and codings[0] != "chunked":
        raise Broken(f"transfer-encoding {codings[0]!r}")
    if is_request and len(message.all("host")) != 1:
        raise Broken(f"{len(message.all('host'))} Host fields")
    if not is_request and (method == "HEAD" or message.status < 200 or message.status in (204, 304)):
        if message.status in (101, 204) and (lengths or codings):
            raise Broken(f"a {message.status} is framed")
        return "none"
    if codings:
        return "chunked"
    if lengths:
        return "sized"
    return "none" if is_request else "close"


def dechunk(rest):
    """(body, bytes used), or None while more must come. Extensions and trailers are mistakes."""
    body, at = b"", 0
    while True:
        end = rest.find(b"\r\n", at)
        if end < 0:
            if len(rest) - at > 18:
                raise Broken(f"chunk size line {rest[at:at + 40]!r}")
            return None
        if not CHUNK_SIZE.fullmatch(rest[at:end]):
            raise Broken(f"chunk size {rest[at:end][:40]!r}")
        size, at = int(rest[at:end], 16), end + 2
        if len(rest) < at + size + 2:
            return None
        if rest[at + size:at + size + 2] != b"\r\n":
            raise Broken("chunk not followed by CRLF, or a trailer")
        body, at = body + rest[at:at + size], at + size + 2
        if size == 0:
            return body, at


def take(buffer, is_request, method=None, eof=False):
    """(message, rest) from the front of `buffer`, or None while it is not whole."""
    end = buffer.find(b"\r\n\r\n")
    if end < 0:
        return None
    message = parse_head(buffer[:end + 4], is_request)
    message.framing = frame(message, is_request, method)
    rest = buffer[end + 4:]
    if message.framing == "chunked":
        found = dechunk(rest)
        if found is None:
            return None
        message.body, used = found
    elif message.framing == "sized":
        used = int(message.get("content-length"))
        if len(rest) < used:
            return None
        message.body = rest[:used]
    elif message.framing == "close":
        if not eof:
            return None
        message.body, used = rest, len(rest)
    else:
        used = 0
    message.raw = buffer[:end + 4 + used]
    return message, rest[used:]


def take_responses(buffer, methods, eof):
    """Every whole response in order, interim ones included, and the bytes left over.

    `methods`: of the requests, in order; GET once they are used up.
    """
    responses, methods = [], list(methods)
    while buffer:
        method = methods[0] if methods else "GET"
        found = take(buffer, False, method, eof)
        if found is None:
            break
        response, buffer = found
        responses.append(response)
        if response.status >= 200 and methods:
            methods.pop(0)
    return responses, buffer
