"""Several real redis-server processes: a primary with its replica and Sentinels, a Cluster."""
import time

from .process import wait_for
from .redis import Redis, Server, tls_section
from .resp import Client


class Sentinel(Server):
    """Watches one primary by the name `mymaster`."""

    def __init__(self, primary, quorum, down_after, password):
        lines = ["sentinel resolve-hostnames no",
                 f"sentinel monitor mymaster 127.0.0.1 {primary.port} {quorum}",
                 f"sentinel down-after-milliseconds mymaster {down_after}",
                 "sentinel failover-timeout mymaster 1000"]
        if primary.password:
            lines.append(f"sentinel auth-pass mymaster {primary.password}")
        if password:
            lines += [f"requirepass {password}", f"sentinel sentinel-pass {password}"]
        self.password = password
        super().__init__(lines, arguments=["--sentinel"])
        # Else they take seconds to find each other and the replica.
        self.call("SENTINEL", "DEBUG", "PUBLISH-PERIOD", 100, "INFO-PERIOD", 200, "PING-PERIOD", 100)

    def connect_admin(self):
        self.admin = Client(self.socket, password=self.password)
        return self.admin

    def primary_port(self):
        return int(self.call("SENTINEL", "GET-MASTER-ADDR-BY-NAME", "mymaster")[1])

    def sees_all(self, replicas, others):
        state = self.call("SENTINEL", "MASTER", "mymaster")
        state = dict(zip(state[::2], state[1::2]))
        return int(state["num-slaves"]) == replicas and int(state["num-other-sentinels"]) == others


class SentinelSet:
    """A primary, a replica and three Sentinels that fail over after half a second."""

    def __init__(self, password=None, sentinel_password=None, down_after=500, more=()):
        self.parts, self.sentinel_password = [], sentinel_password
        try:
            self.nodes = [self.add(Redis(password=password, more=more)) for _ in range(2)]
            self.nodes[1].demote(self.nodes[0].port)
            self.sentinels = [
                self.add(Sentinel(self.nodes[0], 2, down_after, sentinel_password)) for _ in range(3)]
            wait_for(lambda: self.nodes[1].info("replication")["master_link_status"] == "up", "the replica")
            wait_for(lambda: all(sentinel.sees_all(1, 2) for sentinel in self.sentinels), "the Sentinels")
        except BaseException:
            self.close()
            raise

    def add(self, part):
        self.parts.append(part)
        return part

    def close(self):
        for part in reversed(self.parts):
            part.close()

    def config(self, **more):
        sentinel = {"master": "mymaster", "addresses": [s.address for s in self.sentinels]}
        if self.sentinel_password:
            file = self.nodes[0].scratch.write("sentinel-password", self.sentinel_password)
            file.chmod(0o600)
            sentinel["password_file"] = str(file)
        return {"sentinel": sentinel, **self.nodes[0].credentials(), **more}

    def primary(self):
        """The node that most Sentinels name."""
        ports = [sentinel.primary_port() for sentinel in self.sentinels]
        port = max(set(ports), key=ports.count)
        return next(node for node in self.nodes if node.port == port)

    def wait_for_switch(self, old):
        """The new primary, once every Sentinel names it and it says so itself."""
        def has_switched():
            names = {sentinel.primary_port() for sentinel in self.sentinels}
            if len(names) != 1 or old.port in names:
                return None
            return self.primary() if self.primary().call("ROLE")[0] == "master" else None
        return wait_for(has_switched, "the failover")

    def fail_over(self):
        """Asked for, with nobody dead; gives (old, new)."""
        old = self.primary()
        for sentinel in self.sentinels:
            # After four of them the others would undo the promotion, and it is looked for once per second.
            sentinel.call("SENTINEL", "DEBUG", "PUBLISH-PERIOD", 2000)
            sentinel.call("SENTINEL", "SET", "mymaster", "failover-timeout", 5000)
        self.sentinels[0].call("SENTINEL", "FAILOVER", "mymaster")
        return old, self.wait_for_switch(old)


class Cluster:
    """Primaries without replicas that share the slots evenly."""

    SLOTS = 16384

    def __init__(self, size=3, password=None, tls=None, more=()):
        lines = ["cluster-enabled yes", "cluster-node-timeout 1000", "cluster-config-file nodes.conf", *more]
        if tls:
            lines += ["tls-cluster yes", "tls-replication yes"]
        self.nodes = []
        try:
            for _ in range(size):
                self.nodes.append(Redis(password=password, tls=tls, more=lines))
            self.join()
        except BaseException:
            self.close()
            raise

    def join(self):
        borders = [self.SLOTS * i // len(self.nodes) for i in range(len(self.nodes) + 1)]
        for number, node in enumerate(self.nodes):
            node.call("CLUSTER", "SET-CONFIG-EPOCH", number + 1)
            node.call("CLUSTER", "ADDSLOTSRANGE", borders[number], borders[number + 1] - 1)
        for node in self.nodes:
            for other in self.nodes:
                if node is not other:
                    node.call("CLUSTER", "MEET", "127.0.0.1", self.port_of(other))
        wait_for(lambda: all(self.is_whole(node) for node in self.nodes), "the Cluster")

    @staticmethod
    def port_of(node):
        """Where a gate and the other nodes find it."""
        return node.tls_port or node.port

    def is_whole(self, node):
        state = dict(line.split(":") for line in node.call("CLUSTER", "INFO").splitlines() if ":" in line)
        return state["cluster_state"] == "ok" and int(state["cluster_known_nodes"]) == len(self.nodes)

    def close(self):
        for node in self.nodes:
            node.close()

    def config(self, **more):
        first = self.nodes[0]
        addresses = [f"127.0.0.1:{self.port_of(node)}" for node in self.nodes]
        tls = {"tls": tls_section(with_certificate=first.tls != "no")} if first.tls else {}
        return {"cluster": {"addresses": addresses}, **tls, **first.credentials(), **more}

    def slot_of(self, key):
        return self.nodes[0].call("CLUSTER", "KEYSLOT", key)

    def owner(self, slot):
        """The node that says the slot is its own."""
        for node in self.nodes:
            for first, last, primary, *_ in node.call("CLUSTER", "SLOTS"):
                if first <= slot <= last and primary[1] == node.port:
                    return node
        raise LookupError(f"nobody owns slot {slot}")

    def moving(self, slot, target, batch=10):
        """Moves a slot and yields the name of each step when it is done, for a test that looks between them:
        importing, migrating, keys (once per batch), node."""
        source = self.owner(slot)
        ids = {node: node.call("CLUSTER", "MYID") for node in (source, target)}
        target.call("CLUSTER", "SETSLOT", slot, "IMPORTING", ids[source])
        yield "importing"
        source.call("CLUSTER", "SETSLOT", slot, "MIGRATING", ids[target])
        yield "migrating"
        secret = ["AUTH", source.password] if source.password else []
        while names := source.call("CLUSTER", "GETKEYSINSLOT", slot, batch):
            source.call("MIGRATE", "127.0.0.1", self.port_of(target), "", 0, 1000, "REPLACE", *secret, "KEYS", *names)
            yield "keys"
        # The new owner first: until it knows, the old one would send clients round in a circle.
        for node in [target, source, *(n for n in self.nodes if n not in (source, target))]:
            node.call("CLUSTER", "SETSLOT", slot, "NODE", ids[target])
        yield "node"

    def move_slot(self, slot, target, pause=0.0):
        """All of it, with so many seconds between the steps."""
        for _ in self.moving(slot, target):
            time.sleep(pause)
