"""Protected services: one that follows a script for each path, and a real nginx."""
import json
import socket
import ssl
import threading

from . import http1
from .process import Process, Scratch, wait_for


class Peer:
    """The upstream's side of one connection, as a script sees it."""

    def __init__(self, sock, number):
        self.socket, self.number, self.served = sock, number, 0
        self.buffer, self.body_left = b"", b""

    def send(self, data):
        self.socket.sendall(data if isinstance(data, bytes) else data.encode("latin-1"))

    def fill(self):
        try:
            data = self.socket.recv(262144)
        except ConnectionResetError:
            data = b""
        self.buffer += data
        return bool(data)

    def read_head(self):
        """The next request's head, its body still unread; None when the connection ended."""
        while b"\r\n\r\n" not in self.buffer:
            if not self.fill():
                return None
        end = self.buffer.index(b"\r\n\r\n") + 4
        head = http1.parse_head(self.buffer[:end], True)
        head.framing = http1.frame(head, True, None)
        self.buffer = self.buffer[end:]
        return head

    def read_body(self, head):
        """The body of `head`, whole; None when the connection ended before."""
        if head.framing == "chunked":
            while (found := http1.dechunk(self.buffer)) is None:
                if not self.fill():
                    return None
            body, used = found
        else:
            used = int(head.get("content-length", 0))
            while len(self.buffer) < used:
                if not self.fill():
                    return None
            body = self.buffer[:used]
        self.buffer = self.buffer[used:]
        return body


def respond(peer, body, status="200 OK", headers=()):
    body = body if isinstance(body, bytes) else body.encode()
    lines = [f"HTTP/1.1 {status}", *headers, f"Content-Length: {len(body)}"]
    peer.send("\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body)


def echo(peer, head):
    """Says as JSON what arrived."""
    body = peer.read_body(head)
    if body is None:
        return False
    told = {"method": head.method, "target": head.target, "fields": head.fields, "body": body.decode("latin-1"),
            "framing": head.framing, "connection": peer.number, "served": peer.served}
    text = json.dumps(told)
    respond(peer, b"" if head.method == "HEAD" else text, headers=["Content-Type: application/json"])
    return True


class App:
    """Serves on loopback (or a unix socket) by scripts: `app.on("/path", script)`.

    A script is called with (peer, head) and returns False to end the connection. What has no
    script of its own is echoed. Every request head is kept in `requests`.
    """

    def __init__(self, unix_path=None, tls=None):
        self.scripts, self.requests, self.faults = {}, [], []
        self.connections, self.open = 0, set()
        self.lock = threading.Lock()
        if unix_path:
            self.listener = socket.socket(socket.AF_UNIX)
            self.listener.bind(str(unix_path))
            self.url = f"unix:{unix_path}"
        else:
            self.listener = socket.create_server(("127.0.0.1", 0))
            self.port = self.listener.getsockname()[1]
            self.url = f"{'https' if tls else 'http'}://localhost:{self.port}" if tls else f"http://127.0.0.1:{self.port}"
        self.listener.listen(1024)
        self.tls, self.closing = tls, False
        self.thread = threading.Thread(target=self.accept, daemon=True)
        self.thread.start()

    def on(self, path, script):
        self.scripts[path] = script

    def close(self):
        """May be called again."""
        if self.closing:
            return
        self.closing = True
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.drop_connections()
        self.thread.join()
        if self.faults:
            raise AssertionError(f"the upstream got what no strict peer takes: {self.faults[:3]}")

    def drop_connections(self):
        with self.lock:
            for sock in self.open:
                try:
                    sock.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass

    def accept(self):
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(sock,), daemon=True).start()

    def serve(self, sock):
        try:
            if sock.family != socket.AF_UNIX:
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self.tls:
                sock = self.tls.wrap_socket(sock, server_side=True)
            with self.lock:
                self.connections += 1
                peer = Peer(sock, self.connections)
                self.open.add(sock)
            while head := peer.read_head():
                peer.served += 1
                with self.lock:
                    self.requests.append(head)
                script = self.scripts.get(head.target.partition("?")[0], echo)
                if script(peer, head) is False:
                    break
        except http1.Broken as problem:
            self.faults.append(str(problem))
        except (OSError, ssl.SSLError):
            pass
        finally:
            with self.lock:
                self.open.discard(sock)
            sock.close()

    def heads(self, path):
        with self.lock:
            return [head for head in self.requests if head.target.partition("?")[0] == path]


NGINX = """
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
daemon off;
events {{ worker_connections 4096; }}
http {{
  access_log {folder}/access.log;
  client_body_temp_path {folder}/t1; proxy_temp_path {folder}/t2; fastcgi_temp_path {folder}/t3;
  uwsgi_temp_path {folder}/t4; scgi_temp_path {folder}/t5;
  sendfile on;
  keepalive_requests 1000000;
  client_max_body_size 0;
  server {{
    listen 127.0.0.1:{port};
    location / {{ default_type text/plain; return 200 "hello from nginx\\n"; }}
    location /files/ {{ alias {folder}/files/; }}
    location /sink {{
      proxy_pass http://127.0.0.1:{sink}; proxy_http_version 1.1;
      proxy_request_buffering off; proxy_buffering off;
    }}
  }}
}}
"""


def free_port():
    """A port nobody has now. Whoever binds it next checks: two tries are made."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


class Nginx:
    """Debian's nginx: `/` says hello, `/files/` is a folder, `/sink` is passed on to `sink`."""

    def __init__(self, sink_port=9):
        self.scratch = Scratch()
        folder = self.scratch.path
        folder.chmod(0o755)
        (folder / "files").mkdir()
        for _ in range(5):  # the port may be taken between our look and its bind
            self.port = free_port()
            config = self.scratch.write("nginx.conf", NGINX.format(folder=folder, port=self.port, sink=sink_port))
            self.process = Process(
                ["nginx", "-c", config, "-p", folder, "-e", folder / "error.log"], folder / "log")
            if wait_for(lambda: not self.process.is_running() or self.answers(), "nginx") and self.process.is_running():
                break
        else:
            raise RuntimeError(f"nginx does not start: {self.process.output()}")
        self.url = f"http://127.0.0.1:{self.port}"

    def answers(self):
        try:
            with socket.create_connection(("127.0.0.1", self.port), 1):
                return True
        except OSError:
            return False

    def requests(self):
        """The request lines it has logged."""
        return [line.split('"')[1] for line in (self.scratch.path / "access.log").read_text().splitlines()]

    def close(self):
        self.process.stop()
        self.scratch.close()
