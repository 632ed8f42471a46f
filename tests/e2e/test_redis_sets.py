"""Several Redis servers: a failover under load, slots that move, a node that dies."""
import contextlib
import time

from common import figures, shared_clerk
from harness.client import bearer, compose
from harness.load import Hammer, admitted, most_in_a_span
from harness.process import wait_for
from harness.redis import RIGHTS
from harness.redis_sets import Cluster, SentinelSet
from redis_cases import NAMESPACE, WORKERS, RedisCase, api, id_of, remaining, route

LIMIT = 10
POLICIES = ("local", "open", "closed")


SECRET = "staple-of-the-gates"
# Beside harness.redis.RIGHTS.
CLUSTER_RIGHTS = "+cluster|slots +asking"
SENTINEL_RIGHTS = "-@all resetchannels &+switch-master +sentinel|get-master-addr-by-name +sentinel|sentinels " \
                  "+subscribe +client|setname"


class SetCase(RedisCase):
    @contextlib.contextmanager
    def load(self, gates, organisations, path="/api", rest=0.01):
        """{organisation: answers} while the block runs; filled when it is over."""
        answers, threads = {org: [] for org in organisations}, []
        for org in organisations:
            request = compose("GET", path, bearer(shared_clerk().mint(org=id_of(org), ttl=3600)))
            for gate in gates:
                threads.append((org, Hammer(gate.port, request, float("inf"), depth=2, rest=rest)))
        for _, thread in threads:
            thread.start()
        try:
            yield answers
        finally:
            for _, thread in threads:
                thread.end = 0
            for org, thread in threads:
                thread.join()
                answers[org] += thread.answers
        for _, thread in threads:
            if thread.error:
                raise thread.error

    def check_statuses(self, answers, allowed):
        statuses = {status for one in answers.values() for *_, status in one}
        self.assertLessEqual(statuses, allowed)

    def check_nothing_is_wrong(self, gates):
        for gate in gates:
            self.assertEqual(self.metric(gate, "exceptions_total"), 0)


class Sentinels(SetCase):
    def start_set(self, **options):
        return self.start(SentinelSet(**options))

    def test_the_primary_is_found_and_shared(self):
        sentinels = self.start_set(password="of-the-primary", sentinel_password="of-the-sentinels")
        gates = self.start_fleet(sentinels.config(), api("10/1m"))
        self.assertEqual(self.passes(gates, "org_found"), 10)
        key = f"{NAMESPACE}:w1:{{org_found}}:api"
        self.assertEqual(sentinels.primary().call("EXISTS", key), 1)
        for gate in gates:
            for secret in ("of-the-primary", "of-the-sentinels"):
                self.assertNotIn(secret, gate.process.output())

    def test_a_planned_failover_is_followed(self):
        sentinels = self.start_set()
        gates = self.start_fleet(sentinels.config(), api(f"{LIMIT}/1m", on_error="open"))
        with self.load(gates, ["org_planned"]) as answers:
            wait_for(lambda: self.metric(gates[0], "limit_decisions_total", outcome="denied") > 0, "some load")
            old, new = sentinels.fail_over()
            self.wait_until_used_is(new, gates)
        self.check_statuses(answers, {200, 429})
        self.assertEqual(self.passes(gates, "org_planned_later", tries=LIMIT + 4), LIMIT)
        self.assertEqual(new.call("EXISTS", f"{NAMESPACE}:w1:{{org_plannedlater}}:api"), 1)
        self.check_nothing_is_wrong(gates)

    def wait_until_used_is(self, node, gates):
        """Until a new organisation's counters of every gate stand there."""
        numbers = iter(range(10_000))

        def is_used():
            org = f"org_probe{time.monotonic_ns()}{next(numbers)}"
            answers = [self.ask(gate, org) for gate in gates]
            has_numbers = [a.get("ratelimit") is not None for a in answers]
            return all(has_numbers) and remaining(answers[-1]) == LIMIT - len(gates) and \
                node.call("EXISTS", f"{NAMESPACE}:w1:{{{id_of(org)}}}:api")
        wait_for(is_used, "the new primary to be used")
        for gate in gates:
            self.wait_until_connected(gate)

    def test_a_primary_that_hangs_is_left_and_not_used_when_it_is_back(self):
        sentinels, window = self.start_set(), 1
        gates = self.start_fleet(sentinels.config(fleet=2), api(f"{LIMIT}/{window}s"))
        old = sentinels.primary()
        with self.load(gates, ["org_hang"]) as answers:
            wait_for(lambda: self.metric(gates[0], "limit_decisions_total", outcome="denied") > 0, "some load")
            old.freeze()
            self.addCleanup(old.thaw)
            new = sentinels.wait_for_switch(old)
            self.wait_until_used_is(new, gates)
            old.thaw()
            old.call("PING")  # what lay in its sockets is done before the next command
            ran = old.scripts_run()
            wait_for(lambda: old.call("ROLE")[0] == "slave", "the old primary to be told")
            self.wait_until_used_is(new, gates)
            # Its part in the replication of the new one is none of ours.
            self.assertEqual(old.scripts_run(), ran)
        self.check_statuses(answers, {200, 429})
        alone = [self.metric(gate, "limit_decisions_total", outcome=f"fallback_{what}")
                 for gate in gates for what in ("allowed", "denied")]
        self.assertGreater(sum(alone), 0)
        self.assertLessEqual(most_in_a_span(admitted(answers["org_hang"]), window), 2 * LIMIT)
        self.check_nothing_is_wrong(gates)

    def test_the_rights_a_sentinel_must_give(self):
        sentinels = self.start_set()
        for sentinel in sentinels.sentinels:
            sentinel.call("ACL", "SETUSER", "gates", "reset", "on", f">{SECRET}", *SENTINEL_RIGHTS.split())
        section = sentinels.config()
        file = sentinels.nodes[0].scratch.write("sentinel-secret", SECRET)
        file.chmod(0o600)
        section["sentinel"] |= {"username": "gates", "password_file": str(file)}
        gate = self.start_member(section, api("5/1m"))
        self.assertEqual(self.passes([gate], "org_rights"), 5)
        self.assertEqual([sentinel.call("ACL", "LOG") for sentinel in sentinels.sentinels], [[]] * 3)

    def test_it_starts_while_a_sentinel_is_away(self):
        sentinels = self.start_set()
        sentinels.sentinels[0].end()
        gate = self.start_member(sentinels.config(), api("5/1m"))
        self.assertEqual(self.passes([gate], "org_early"), 5)


class InACluster(SetCase):
    def start_cluster(self, **options):
        return self.start(Cluster(**options))

    def wait_for_all_nodes(self, cluster, gates):
        """Until every gate's every worker has used every node."""
        for gate in gates:
            org = iter(range(10_000))

            def is_complete():
                for _ in range(6):
                    self.ask(gate, f"org_warm{next(org)}")
                return self.metric(gate, "redis_connections") >= WORKERS * len(cluster.nodes)
            wait_for(is_complete, "all nodes to be connected")

    def key(self, org):
        return f"{NAMESPACE}:w1:{{{id_of(org)}}}:api"

    def test_many_organisations_over_all_nodes_have_their_limits(self):
        cluster = self.start_cluster(password="of-the-cluster")
        gates = self.start_fleet(cluster.config(), api("3/1m", on_error="closed"))
        self.wait_for_all_nodes(cluster, gates)
        organisations = [f"org_c{i}" for i in range(60)]
        for org in organisations:
            self.assertEqual(self.passes(gates, org, tries=4), 3, org)
        owners = [cluster.owner(cluster.slot_of(self.key(org))) for org in organisations]
        for node in cluster.nodes:
            here = [org for org, owner in zip(organisations, owners) if owner is node]
            self.assertGreater(len(here), 5)
            self.assertEqual([node.call("EXISTS", self.key(org)) for org in here], [1] * len(here))
        self.check_nothing_is_wrong(gates)

    def test_tls_in_a_cluster(self):
        cluster = self.start_cluster(tls="yes")
        gates = self.start_fleet(cluster.config(), api("3/1m"))
        self.wait_for_all_nodes(cluster, gates)
        for i in range(12):
            self.assertEqual(self.passes(gates, f"org_tls{i}", tries=4), 3)

    def test_the_rights_a_cluster_must_give(self):
        cluster = self.start_cluster(more=[f"user orggate on >{SECRET} {RIGHTS} {CLUSTER_RIGHTS}"])
        file = cluster.nodes[0].scratch.write("secret", SECRET)
        file.chmod(0o600)
        gate = self.start_member({**cluster.config(), "username": "orggate", "password_file": str(file)}, api("9/1m"))
        self.wait_for_all_nodes(cluster, [gate])
        slot = cluster.slot_of(self.key("org_moving"))
        target = cluster.nodes[cluster.nodes.index(cluster.owner(slot)) - 1]
        left = [remaining(self.ask(gate, "org_moving"))]
        for _ in cluster.moving(slot, target):
            left.append(remaining(self.ask(gate, "org_moving")))
        self.assertEqual(left, [8, 7, 6, 5, 4])
        refused = [dict(zip(e[::2], e[1::2])) for node in cluster.nodes for e in node.call("ACL", "LOG")]
        self.assertLessEqual({(entry["reason"], entry["object"]) for entry in refused}, {("command", "info")})

    def test_limits_of_an_organisation_and_a_user_lie_on_different_nodes(self):
        cluster = self.start_cluster()
        gates = self.start_fleet(cluster.config(), {
            "limits": {"api": {"rate": "8/1m"}, "personal": {"rate": "3/1m", "per": "user"}},
            "routes": [{"name": "both", "paths": ["/both"], "access": "org", "limits": ["api", "personal"]},
                       route("api")],
        })
        self.wait_for_all_nodes(cluster, gates)
        for i in range(8):
            sub = dict(sub=f"user_x{i}", sid=f"sess_x{i}")
            self.assertEqual(self.passes(gates, f"org_two{i}", "/both", 6, **sub), 3)
            # What was refused by the second node is given back on the first.
            wait_for(lambda: self.metric(gates[0], "in_flight_requests") == 0, "all to be over")
            self.assertEqual(self.passes(gates, f"org_two{i}", "/api", 10, sub=f"user_y{i}", sid=f"sess_y{i}"), 5)

    @figures
    def test_slots_that_move_under_load_lose_nothing(self):
        cluster, window = self.start_cluster(), 2
        gates = self.start_fleet(cluster.config(fleet=2), {
            "limits": {"api": {"rate": f"{LIMIT}/{window}s"}, "both": {"rate": [f"{LIMIT}/{window}s", "100000/1h"]}},
            "default": {"access": "org", "limits": ["api"]},
            "routes": [route("both")],
        })
        self.wait_for_all_nodes(cluster, gates)
        singles, pairs = [["org_m0", "org_m1"], ["org_m2", "org_m3"]]
        organisations = singles + pairs
        with self.load(gates, singles) as answers, self.load(gates, pairs, "/both") as others:
            end, moved = time.monotonic() + 2 * window, 0
            while time.monotonic() < end or moved < 2 * len(organisations):
                slot = cluster.slot_of(self.key(organisations[moved % len(organisations)]))
                source = cluster.owner(slot)
                target = cluster.nodes[(cluster.nodes.index(source) + 1) % len(cluster.nodes)]
                cluster.move_slot(slot, target, pause=0.05)
                moved += 1
        self.check_statuses({**answers, **others}, {200, 429})
        for org in singles:
            self.assertGreater(len(admitted(answers[org])), LIMIT)
            self.assertLessEqual(most_in_a_span(admitted(answers[org]), window), LIMIT, org)
        # Not one of these was decided without Redis.
        for gate in gates:
            for what in ("fallback_allowed", "fallback_denied"):
                self.assertEqual(self.metric(gate, "limit_decisions_total", limit="api", outcome=what), 0)
        # A server that has got one key of two and misses the other, which may just have expired, answers TRYAGAIN
        # until the move is over: meanwhile on_error decides.
        for org in pairs:
            self.assertGreater(len(admitted(others[org])), LIMIT)
            self.assertLessEqual(most_in_a_span(admitted(others[org]), window), 2 * LIMIT, org)
        self.assertGreater(sum(self.metric(gate, "redis_redirects_total") for gate in gates), 0)
        self.check_nothing_is_wrong(gates)

    def test_a_node_that_dies_takes_only_its_own_organisations_along(self):
        # The others go on though some slots are not covered.
        cluster = self.start_cluster(more=["cluster-require-full-coverage no"])
        gates = self.start_fleet(cluster.config(), {
            "limits": {name: {"rate": "6/1m", "on_error": name} for name in POLICIES},
            "routes": [route(name) for name in POLICIES] + [{"name": "rest", "paths": ["/api"], "access": "org",
                                                             "limits": ["open"]}],
        })
        self.wait_for_all_nodes(cluster, gates)
        dead = cluster.nodes[1]
        organisations = [f"org_d{i}" for i in range(24)]
        its = [org for org in organisations if cluster.owner(cluster.slot_of(self.key(org))) is dead]
        others = [org for org in organisations if org not in its]
        self.assertTrue(its and others)
        dead.end()
        for gate in gates:
            wait_for(lambda: self.ask(gate, its[0], "/closed").status == 503, "the node to be missed")
        for org in its:
            for gate in gates:
                self.check_unavailable(self.ask(gate, org, "/closed"))
                answer = self.ask(gate, org, "/open")
                self.check_allowed(answer)
                self.assertIsNone(answer.get("ratelimit"))
                self.check_allowed(self.ask(gate, org, "/local"))
        for org in others:
            for policy in POLICIES:
                self.assertEqual(self.passes(gates, org, f"/{policy}", 8), 6, (org, policy))
        dead.start()
        wait_for(lambda: cluster.is_whole(dead), "the node to be back")
        self.wait_for_all_nodes(cluster, gates)
        self.assertEqual(self.passes(gates, its[1], "/closed", 8), 6)
        self.check_nothing_is_wrong(gates)
