"""A real redis-server process on loopback and free ports, nothing on disk but a scratch folder, ended by pid.

`config()` is the `redis` section of a gate. redis_sets.py has a Sentinel set and a Cluster, resp.py the client,
fake_redis.py the liar.
"""
import atexit
import functools
import random
import signal
import socket
import ssl

from . import keys
from .process import Process, Scratch, wait_for
from .resp import Client

# All that a gate needs of a user of its own, and nothing else; a test of the rights takes one away.
RIGHTS = ("resetkeys ~og:* resetchannels -@all +evalsha +eval +script|load +time +get +set +del +hset +hdel +hlen "
          "+hgetall +zadd +zrem +zcard +zrange +zremrangebyscore +ping +role +client|setname")
BUS = 10_000  # a Cluster node's second port lies so far above its first


def is_free(port):
    try:
        socket.create_server(("127.0.0.1", port)).close()
        return True
    except OSError:
        return False


def free_port():
    """Below the ports that outgoing connections get, so that nobody takes it while its server is away."""
    while True:
        port = random.randrange(10_100, 22_000)
        if is_free(port) and is_free(port + BUS):
            return port


@functools.cache
def identity():
    """An authority, a server's and a client's certificate, the same for all servers of this run."""
    scratch = Scratch()
    atexit.register(scratch.close)
    authority = keys.make_authority(scratch.path, "redis-ca")
    return {
        "ca": authority[1],
        "server": keys.make_certificate(scratch.path, authority, "redis", "DNS:localhost,IP:127.0.0.1"),
        "client": keys.make_certificate(scratch.path, authority, "orggate", "DNS:orggate"),
    }


def client_context(with_certificate=True):
    """For a test's own Client."""
    context = ssl.create_default_context(cafile=str(identity()["ca"]))
    if with_certificate:
        key, certificate = identity()["client"]
        context.load_cert_chain(certificate, key)
    return context


def tls_section(with_certificate=True, server_name="localhost"):
    """The `tls` of a gate's `redis` section."""
    key, certificate = identity()["client"]
    section = {"ca_file": str(identity()["ca"]), "server_name": server_name}
    return {**section, "cert_file": str(certificate), "key_file": str(key)} if with_certificate else section


class Server:
    """A redis-server with these lines of configuration; serving when constructed."""

    def __init__(self, lines, arguments=(), tls=None):
        self.scratch, self.arguments, self.tls, self.lines = Scratch(), arguments, tls, list(lines)
        self.socket = self.scratch.path / "socket"
        self.admin = self.process = None
        for _ in range(5):  # somebody else may be quicker
            self.port = free_port()
            self.tls_port = free_port() if tls else None
            try:
                return self.start()
            except RuntimeError as problem:
                failure = problem
            except BaseException:
                self.close()
                raise
        self.close()
        raise failure

    def configuration(self):
        lines = [f"port {self.port}", "bind 127.0.0.1", f"unixsocket {self.socket}", f"dir {self.scratch.path}"]
        if self.tls:
            key, certificate = identity()["server"]
            lines += [f"tls-port {self.tls_port}", f"tls-cert-file {certificate}", f"tls-key-file {key}",
                      f"tls-ca-cert-file {identity()['ca']}", f"tls-auth-clients {self.tls}"]
        return "\n".join(lines + self.lines) + "\n"

    def start(self):
        """After end(): the same ports, and empty."""
        file = self.scratch.write("redis.conf", self.configuration())
        self.process = Process(["redis-server", file, *self.arguments], self.scratch.path / "log")
        wait_for(lambda: not self.process.is_running() or self.answers(), "redis-server")
        if not self.process.is_running():
            raise RuntimeError(f"redis-server does not start: {self.process.output()[-2000:]}")

    def answers(self):
        try:
            return self.connect_admin() is not None
        except (OSError, EOFError):
            return False

    def connect_admin(self):
        self.admin = Client(self.socket)
        return self.admin

    def end(self):
        """At once; what it held is lost."""
        if self.admin:
            self.admin.close()
        if self.process:
            self.process.stop(signal.SIGKILL)
        self.socket.unlink(missing_ok=True)

    def close(self):
        self.end()
        self.scratch.close()

    def freeze(self):
        """Replies stop, connections stay (SIGSTOP)."""
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self):
        self.process.send_signal(signal.SIGCONT)

    def call(self, *words):
        """One command, as the default user over the unix socket."""
        try:
            return self.admin.call(*words)
        except TimeoutError:
            raise
        except (OSError, EOFError):  # it was restarted, or its clients were killed
            self.admin.close()
            return self.connect_admin().call(*words)

    def info(self, section):
        lines = self.call("INFO", section).splitlines()
        return dict(line.split(":", 1) for line in lines if ":" in line)

    @property
    def url(self):
        return f"redis://127.0.0.1:{self.port}/0"

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"


class Redis(Server):
    """One server: TCP, a unix socket, and TLS if asked for (`tls`: no, optional or yes, of client certificates).

    `password` is the default user's; `users`: name to (password, rights); `more`: lines of configuration.
    """

    def __init__(self, tls=None, password=None, users=None, maxmemory=None, more=()):
        self.password, self.users, self.maxmemory = password, dict(users or {}), maxmemory
        lines = ['save ""', "appendonly no", "enable-debug-command yes", "repl-diskless-sync-delay 0", *more]
        if password:
            lines += [f"requirepass {password}", f"masterauth {password}"]
        if maxmemory:
            lines += [f"maxmemory {maxmemory}", "maxmemory-policy noeviction"]
        lines += [f"user {name} on >{secret} {rights}" for name, (secret, rights) in self.users.items()]
        super().__init__(lines, tls=tls)

    def connect_admin(self):
        self.admin = Client(self.socket, password=self.password)
        return self.admin

    def connect(self, **more):
        """A test's own client over TCP; `user` of `users` by name."""
        user = more.pop("user", None)
        password = self.users[user][0] if user else self.password
        return Client(self.port, **{"user": user, "password": password, **more})

    def config(self, over="tcp", database=0, user=None, **more):
        """`over`: tcp, unix or tls."""
        section = {"url": {"tcp": f"redis://{self.address}/{database}",
                           "unix": f"unix:{self.socket}?db={database}",
                           "tls": f"rediss://localhost:{self.tls_port}/{database}"}[over]}
        if over == "tls":
            section["tls"] = tls_section(with_certificate=self.tls != "no")
        return {**section, **self.credentials(user), **more}

    def credentials(self, user=None):
        """The `username` and `password_file` of a gate."""
        password = self.users[user][0] if user else self.password
        if not password:
            return {}
        file = self.scratch.write(f"password-{user or 'default'}", password)
        file.chmod(0o600)
        return {**({"username": user} if user else {}), "password_file": str(file)}

    # Faults; each is undone by its counterpart or by restart().
    def restart(self):
        """Dies, and comes back empty on the same ports."""
        self.end()
        self.start()

    def pause(self, seconds, writes_only=True):
        """Scripts wait so long; with `writes_only` plain reads pass."""
        self.call("CLIENT", "PAUSE", int(seconds * 1000), "WRITE" if writes_only else "ALL")

    def unpause(self):
        self.call("CLIENT", "UNPAUSE")

    def sleep(self, seconds):
        """Does nothing else for so long; returns at once."""
        with self.connect() as client:
            client.send("DEBUG", "SLEEP", seconds)

    def flush_scripts(self):
        self.call("SCRIPT", "FLUSH")

    def flush(self):
        self.call("FLUSHALL")

    def kill_clients(self):
        self.call("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")

    def demote(self, port=1):
        """A replica of whoever listens there, by default of nobody: writes get READONLY."""
        self.call("REPLICAOF", "127.0.0.1", port)

    def promote(self):
        self.call("REPLICAOF", "NO", "ONE")

    def exhaust_memory(self):
        """Every write gets OOM, whatever its size."""
        self.call("CONFIG", "SET", "maxmemory", 1)

    def grant_memory(self):
        self.call("CONFIG", "SET", "maxmemory", self.maxmemory or 0)

    def scripts_run(self):
        """How many EVAL and EVALSHA it has run."""
        stats = self.info("commandstats")
        return sum(int(value.split(",")[0].partition("=")[2])
                   for name, value in stats.items() if name in ("cmdstat_eval", "cmdstat_evalsha"))
