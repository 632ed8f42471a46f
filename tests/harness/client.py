"""A client at socket level: it sends exactly the bytes it is told and reads strictly."""
import socket
import ssl
import struct

from . import http1
from .process import PATIENCE

HOST = "app.example.com"
JSON = {"Accept": "application/json"}
DOCUMENT = {"Accept": "text/html,application/xhtml+xml", "Sec-Fetch-Dest": "document"}


def bearer(token):
    return {"Authorization": f"Bearer {token}"}


def compose(method, target, headers=None, body=b"", version="1.1"):
    """A plain request; a header whose value is a list is sent once for each, None leaves a default out."""
    fields = {"Host": HOST, **(headers or {})}
    if body and not any(name.lower() in ("content-length", "transfer-encoding") for name in fields):
        fields["Content-Length"] = str(len(body))
    lines = [f"{method} {target} HTTP/{version}"]
    for name, value in fields.items():
        for one in value if isinstance(value, list) else [value]:
            if one is not None:
                lines.append(f"{name}: {one}")
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


class Connection:
    def __init__(self, address, tls=None, patience=PATIENCE, source=None):
        self.patience = patience
        if isinstance(address, int):
            address = ("127.0.0.1", address)
        self.socket = socket.create_connection(address, patience, source_address=(source, 0) if source else None)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if tls:
            self.socket = tls.wrap_socket(self.socket, server_hostname=tls.orggate_name)
        self.buffer, self.eof = b"", False

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def abort(self):
        """Leaves for good: a reset, where close() only says that no more is sent."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close()

    def send(self, data):
        self.socket.sendall(data)

    def fill(self):
        """More bytes into the buffer; False at the end of the connection."""
        try:
            data = self.socket.recv(262144)
        except (ConnectionResetError, ssl.SSLEOFError):
            data = b""
        self.buffer += data
        self.eof = self.eof or not data
        return bool(data)

    def read_any(self, method="GET"):
        """The next response, interim ones too; None if the connection ended instead."""
        while True:
            found = http1.take(self.buffer, False, method, self.eof)
            if found:
                message, self.buffer = found
                return message
            if self.eof:
                return None
            self.fill()

    def read(self, method="GET"):
        """The next final response."""
        while (message := self.read_any(method)) and message.status < 200:
            pass
        return message

    def ask(self, method, target, headers=None, body=b"", version="1.1"):
        self.send(compose(method, target, headers, body, version))
        return self.read(method)

    def is_closed(self):
        """Waits for the end of the connection; False if bytes come instead."""
        return not self.fill()

    def read_to_end(self):
        while not self.eof:
            self.fill()
        return self.buffer


def trusting(ca_file, name="localhost"):
    """A TLS context that trusts one authority, for `name`."""
    context = ssl.create_default_context(cafile=str(ca_file))
    context.orggate_name = name
    return context
