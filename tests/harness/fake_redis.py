"""A server that speaks RESP as a script tells it: for replies no real one would give."""
import hashlib
import socket
import threading
import time

from . import resp
from .resp import Refused, Status


class Peer:
    """The server's side of one connection, as a script sees it."""

    def __init__(self, sock, number):
        self.socket, self.number, self.served = sock, number, 0
        self.buffer = b""

    def send(self, data):
        self.socket.sendall(data)

    def reply(self, value):
        self.send(resp.encode(value))

    def read_command(self):
        """The next command's words; None when the connection ended."""
        while (found := resp.take(self.buffer)) is None:
            try:
                data = self.socket.recv(262144)
            except ConnectionResetError:
                data = b""
            if not data:
                return None
            self.buffer += data
        self.buffer = self.buffer[found[1]:]
        return found[0]


# Scripts: called with (peer, words); False ends the connection.

def answers(value):
    return lambda peer, words: peer.reply(value)


def says(data):
    """Bytes as they are, RESP or garbage."""
    return lambda peer, words: peer.send(data)


def byte_by_byte(value, pause=0.0005):
    def script(peer, words):
        for byte in resp.encode(value):
            peer.send(bytes([byte]))
            time.sleep(pause)
    return script


def huge_array(count=1_000_000_000):
    """A header that promises more than anybody has, and nothing behind it."""
    return says(b"*%d\r\n" % count)


def silence(peer, words):
    """No answer; the connection stays."""


def late(value, seconds):
    """The answer after a while; what came meanwhile is answered behind it."""
    def script(peer, words):
        time.sleep(seconds)
        peer.reply(value)
    return script


def half_close(peer, words):
    """Says that it sends no more, and goes on reading."""
    peer.socket.shutdown(socket.SHUT_WR)


def closes(peer, words):
    return False


def after(count, script, before):
    """`before` for the first `count` commands over all connections, then `script`."""
    lock, seen = threading.Lock(), [0]

    def chosen(peer, words):
        with lock:
            seen[0] += 1
            number = seen[0]
        return (before if number <= count else script)(peer, words)
    return chosen


def load_script(peer, words):
    if words[1].upper() == "LOAD":
        peer.reply(hashlib.sha1(words[2].encode("latin-1")).hexdigest())
    else:
        peer.reply(Status("OK"))


def greet(peer, words):
    peer.reply(["server", "redis", "version", "7.0.15", "proto", 2, "id", peer.number, "mode", "standalone",
                "role", "master", "modules", []])


class FakeRedis:
    """Serves on loopback. `fake.on("EVALSHA", late([0], 0.1))`; names are upper case.

    What sets a connection up (AUTH, HELLO, SELECT, CLIENT, PING, ROLE, SCRIPT) is answered as by a lone
    primary unless told otherwise; anything unknown gets an error. Every command is kept in `commands` as
    (number of the connection, words).
    """

    def __init__(self, port=0):
        self.scripts = {
            "AUTH": answers(Status("OK")), "SELECT": answers(Status("OK")), "CLIENT": answers(Status("OK")),
            "PING": answers(Status("PONG")), "ROLE": answers(["master", 0, []]), "SCRIPT": load_script,
            "HELLO": greet,
        }
        self.on_connect = None  # called with (peer); False ends the connection
        self.commands, self.broken, self.connections, self.open = [], [], 0, set()
        self.lock, self.closing = threading.Lock(), False
        self.listener = socket.create_server(("127.0.0.1", port), backlog=1024)
        self.port = self.listener.getsockname()[1]
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self.thread = threading.Thread(target=self.accept, daemon=True)
        self.thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def on(self, name, script):
        self.scripts[name] = script
        return self

    def config(self, **more):
        """The `redis` section of a gate."""
        return {"url": self.url, **more}

    def close(self):
        """May be called again."""
        if self.closing:
            return
        self.closing = True
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.drop_connections()
        self.thread.join()

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
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self.lock:
                self.connections += 1
                peer = Peer(sock, self.connections)
                self.open.add(sock)
            if self.on_connect and self.on_connect(peer) is False:
                return
            while words := peer.read_command():
                peer.served += 1
                with self.lock:
                    self.commands.append((peer.number, words))
                script = self.scripts.get(words[0].upper(), answers(Refused(f"ERR unknown command '{words[0]}'")))
                if script(peer, words) is False:
                    return
        except resp.Broken as problem:
            self.broken.append(str(problem))
        except OSError:
            pass
        finally:
            with self.lock:
                self.open.discard(sock)
            sock.close()

    def calls(self, name):
        """The words of every command of that name."""
        with self.lock:
            return [words for _, words in self.commands if words[0].upper() == name]
