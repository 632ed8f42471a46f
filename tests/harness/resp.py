"""The wire of Redis, RESP2, and a blocking client for tests: it sends what it is told and reads strictly."""
import socket
import ssl

from .process import PATIENCE


class Refused(Exception):
    """An error reply; `code` is its first word."""

    def __init__(self, text):
        super().__init__(text)
        self.text, self.code = text, text.partition(" ")[0]

    def __eq__(self, other):
        return isinstance(other, Refused) and self.text == other.text


class Status(str):
    """A simple string such as OK."""


class Broken(Exception):
    """Bytes that are no RESP2."""


def to_bytes(word):
    return word if isinstance(word, bytes) else str(word).encode("latin-1")


def command(*words):
    """A command as bytes."""
    parts = [b"*%d\r\n" % len(words)]
    for word in map(to_bytes, words):
        parts.append(b"$%d\r\n%b\r\n" % (len(word), word))
    return b"".join(parts)


def encode(value):
    """A reply as bytes: None, int, Status, Refused, str or bytes (a bulk string), list."""
    if value is None:
        return b"$-1\r\n"
    if isinstance(value, Refused):
        return b"-%b\r\n" % to_bytes(value.text)
    if isinstance(value, Status):
        return b"+%b\r\n" % to_bytes(value)
    if isinstance(value, int):
        return b":%d\r\n" % value
    if isinstance(value, (list, tuple)):
        return b"*%d\r\n" % len(value) + b"".join(map(encode, value))
    return b"$%d\r\n%b\r\n" % (len(to_bytes(value)), to_bytes(value))


def take(data, start=0):
    """(value, where it ended) of the first reply or command in `data`; None while it is not whole."""
    end = data.find(b"\r\n", start)
    if end < 0:
        return None
    kind, text, end = data[start:start + 1], data[start + 1:end].decode("latin-1"), end + 2
    if kind == b"+":
        return Status(text), end
    if kind == b"-":
        return Refused(text), end
    if kind not in (b":", b"$", b"*") or not text.removeprefix("-").isdecimal():
        raise Broken(f"{kind!r}{text[:40]!r}")
    number = int(text)
    if kind == b":":
        return number, end
    if number < 0:
        return None, end
    if kind == b"$":
        if len(data) < end + number + 2:
            return None
        if data[end + number:end + number + 2] != b"\r\n":
            raise Broken("a bulk string without its end")
        return data[end:end + number].decode("latin-1"), end + number + 2
    values = []
    for _ in range(number):
        found = take(data, end)
        if found is None:
            return None
        values.append(found[0])
        end = found[1]
    return values, end


class Client:
    """`address`: a port, (host, port) or the path of a unix socket. Strings are latin-1: no byte is lost."""

    def __init__(self, address, tls=None, server_name="localhost", user=None, password=None, patience=PATIENCE):
        if isinstance(address, (int, tuple)):
            address = ("127.0.0.1", address) if isinstance(address, int) else address
            self.socket = socket.create_connection(address, patience)
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        else:
            self.socket = socket.socket(socket.AF_UNIX)
            self.socket.settimeout(patience)
        self.buffer = b""
        try:
            if self.socket.family == socket.AF_UNIX:
                self.socket.connect(str(address))
            if tls:
                self.socket = tls.wrap_socket(self.socket, server_hostname=server_name)
            if password is not None:
                self.call("AUTH", *([user] if user else []), password)
        except BaseException:
            self.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def send(self, *words):
        self.socket.sendall(command(*words))

    def read(self):
        """The next reply; an error reply is given, not raised. EOFError when the connection ended."""
        while (found := take(self.buffer)) is None:
            try:
                data = self.socket.recv(262144)
            except (ConnectionResetError, ssl.SSLEOFError):
                data = b""
            if not data:
                raise EOFError("the server closed the connection")
            self.buffer += data
        value, end = found
        self.buffer = self.buffer[end:]
        return value

    def call(self, *words):
        """The reply to one command; an error reply is raised."""
        self.send(*words)
        value = self.read()
        if isinstance(value, Refused):
            raise value
        return value

    def pipeline(self, *commands):
        """The replies to commands that are sent together."""
        self.socket.sendall(b"".join(command(*words) for words in commands))
        return [self.read() for _ in commands]
