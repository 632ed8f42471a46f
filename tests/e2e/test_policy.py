"""Who gets through: access kinds, patterns, requirements, preflights, shadow."""
import json
import time

from common import Case, SharedGate, shared_clerk, token, token_without_org
from harness.client import DOCUMENT, bearer, compose
from harness.process import wait_for

ROUTES = [
    {"name": "pages", "paths": ["/", "/pub(.*)", "/sign-in(.*)"], "access": "public"},
    {"name": "hook", "paths": ["/hook"], "methods": ["POST"], "access": "public"},
    {"name": "actions", "paths": ["/actions"], "methods": ["POST"], "access": "public", "server_actions": True},
    {"name": "next", "paths": ["/shop(.*)"], "access": "public", "preset": "nextjs"},
    {"name": "account", "paths": ["/account(.*)"], "access": "signed_in"},
    {"name": "team", "paths": ["/orgs/:slug(.*)"], "access": "org", "org_in_path": "slug"},
    {"name": "admin", "paths": ["/admin(.*)"], "access": "org", "require": {"role": "org:admin"}},
    {"name": "any-of", "paths": ["/any-of"], "access": "org", "require": {"role": ["org:owner", "org:admin"]}},
    {"name": "all-of", "paths": ["/all-of"], "access": "org",
     "require": {"role": "org:admin", "permission": "org:reports:read", "plan": "pro"}},
    {"name": "user-plan", "paths": ["/user-plan"], "access": "org", "require": {"plan": "user:pro"}},
    {"name": "claim", "paths": ["/claim"], "access": "org", "require": {"claim": {"metadata.tier": "gold"}}},
    {"name": "verified", "paths": ["/verified"], "access": "org",
     "require": {"reverified": {"within": "10m", "level": "second_factor"}}},
    {"name": "rehearsal", "paths": ["/rehearsal"], "access": "org", "require": {"role": "org:owner"}, "shadow": True},
    {"name": "other-host", "hosts": ["other.example.com"], "paths": ["/on-host"], "access": "public"},
]

NOBODY, USER, MEMBER = "nobody", "user", "member"


class Access(SharedGate):
    changes = {"routes": ROUTES}

    def credential(self, who):
        return {NOBODY: None, USER: token_without_org(), MEMBER: token()}.get(who)

    def status(self, target, who=NOBODY, method="GET", headers=None):
        return self.gate.ask(method, target, headers, token=self.credential(who)).status

    def test_each_access_kind_for_each_kind_of_caller(self):
        rows = {  # target: nobody, user without organisation, member
            "/": (200, 200, 200), "/pub/x": (200, 200, 200), "/account": (401, 200, 200),
            "/account/x": (401, 200, 200), "/things": (401, 403, 200),
        }
        for target, wanted in rows.items():
            with self.subTest(target):
                self.assertEqual(tuple(self.status(target, who) for who in (NOBODY, USER, MEMBER)), wanted)

    def test_a_route_that_demands_less_matches_narrowly(self):
        for target, wanted in {"/pub": 200, "/pub/": 200, "/pub/x": 200, "/publicity": 401, "/PUB/x": 401, "/pub.": 401,
                               "/pub%20": 401, "/accounting": 401, "/p%75b/x": 200}.items():
            with self.subTest(target):
                self.assertEqual(self.status(target), wanted)
        self.assertEqual(self.status("/accounting", USER), 403)

    def test_a_route_that_demands_more_matches_widely(self):
        low = token(role="member")
        for target in ("/admin", "/ADMIN", "/admin/x", "/Admin/x", "/administrator", "/admin/"):
            with self.subTest(target):
                self.check_refusal(self.gate.ask(target=target, token=low), 403, "role_missing")

    def test_public_means_reading_unless_methods_say_more(self):
        self.assertEqual(self.status("/pub/x", method="HEAD"), 200)
        for method in ("POST", "PUT", "PATCH", "DELETE"):
            with self.subTest(method):
                self.assertEqual(self.status("/pub/x", method=method), 401)
        self.assertEqual(self.status("/hook", method="POST"), 200)
        self.assertEqual(self.status("/hook"), 401)

    def test_server_actions_pass_only_where_the_operator_said_so(self):
        action = {"Next-Action": "7f", "Content-Length": "0"}
        self.assertEqual(self.status("/hook", method="POST", headers=action), 401)
        self.assertEqual(self.status("/actions", method="POST", headers=action), 200)

    def test_a_next_page_brings_its_assets(self):
        self.assertEqual(self.status("/_next/static/chunks/main.js"), 200)
        self.assertEqual(self.status("/_next/data/build/admin.json"), 401)

    def test_the_path_names_the_active_organisation_by_slug_or_id(self):
        member = token(org="org_acme", slug="acme")
        for target, wanted in {"/orgs/acme": 200, "/orgs/acme/x": 200, "/orgs/org_acme/x": 200, "/orgs/globex": 404,
                               "/orgs/acme2": 404, "/orgs/ACME": 404, "/orgs/acme%20": 404}.items():
            with self.subTest(target):
                self.assertEqual(self.gate.ask(target=target, token=member).status, wanted)

    def test_requirements_are_all_of_and_their_lists_any_of(self):
        admin = dict(role="admin", fea="o:reports", per="read", fpm="1", pla="o:pro")
        rows = [
            ("/any-of", dict(role="admin"), 200), ("/any-of", dict(role="member"), 403),
            ("/all-of", admin, 200), ("/all-of", {**admin, "role": "member"}, 403),
            ("/all-of", {**admin, "fpm": "0"}, 403), ("/all-of", {**admin, "pla": "u:pro"}, 403),
            ("/user-plan", dict(pla="u:pro"), 200), ("/user-plan", dict(pla="o:pro"), 403),
            ("/claim", dict(claims={"metadata": {"tier": "gold"}}), 200),
            ("/claim", dict(claims={"metadata": {"tier": "silver"}}), 403),
            ("/claim", dict(claims={"metadata": {"tier": ["gold"]}}), 403),
            ("/verified", dict(fva=[1, 5]), 200), ("/verified", dict(fva=[1, 10]), 403),
            ("/verified", dict(fva=[5, -1]), 200), ("/verified", dict(fva=None), 403), ("/verified", dict(fva=[-1, -1]), 403),
        ]
        for target, fields, wanted in rows:
            with self.subTest(target, **{k: str(v) for k, v in fields.items()}):
                self.assertEqual(self.gate.ask(target=target, token=token(**fields)).status, wanted)

    def test_a_rule_in_shadow_reports_and_still_demands_its_access(self):
        self.check_allowed(self.gate.ask(target="/rehearsal", token=token()))
        self.gate.access_lines(path="/rehearsal", shadow="role_missing", status=200)
        self.check_refusal(self.gate.ask(target="/rehearsal", token=token_without_org()), 403, "org_missing")

    def test_routes_by_host(self):
        self.assertEqual(self.status("/on-host", headers={"Host": "other.example.com"}), 200)
        self.assertEqual(self.status("/on-host", headers={"Host": "OTHER.example.com:443"}), 200)
        self.assertEqual(self.status("/on-host"), 401)

    def test_each_request_of_a_connection_is_judged_by_itself(self):
        with self.gate.connect() as connection:
            for credential, wanted in ((token(), 200), (None, 401), (token(org="org_two"), 200), (token_without_org(), 403)):
                answer = connection.ask("GET", "/things", bearer(credential) if credential else {})
                self.assertEqual(answer.status, wanted)
                if wanted == 200:
                    seen = dict(json.loads(answer.body)["fields"])
                    self.assertEqual(seen["X-Org-Id"], "org_two" if credential == token(org="org_two") else "org_acme")


class Preflight(Case):
    ASK = {"Origin": "https://spa.example.net", "Access-Control-Request-Method": "PUT"}

    def start(self, mode):
        self.app = self.start_app()
        return self.start_gate(self.app.url, {"cors": {"origins": ["https://spa.example.net"], "preflight": mode}})

    def test_forward_sends_it_on_as_nobody(self):
        gate = self.start("forward")
        answer = gate.ask("OPTIONS", "/things", self.ASK)
        self.check_allowed(answer)
        names = {k.lower() for k, _ in json.loads(answer.body)["fields"]}
        self.assertFalse(names & {"x-org-id", "x-user-id", "x-session-id"})
        # Only a true one.
        for headers in ({}, {"Origin": "https://spa.example.net"}, {"Access-Control-Request-Method": "PUT"}):
            self.assertEqual(gate.ask("OPTIONS", "/things", headers).status, 401)
        self.assertEqual(gate.ask("POST", "/things", self.ASK).status, 401)
        # Credentials are judged, whatever they come with.
        self.assertEqual(gate.ask("OPTIONS", "/things", self.ASK, token=token(exp=-60, iat=-120)).status, 401)

    def test_answer_is_given_here(self):
        gate = self.start("answer")
        answer = gate.ask("OPTIONS", "/things", self.ASK)
        self.assertIn(answer.status, (200, 204))
        self.assertEqual(answer.get("access-control-allow-origin"), "https://spa.example.net")
        foreign = gate.ask("OPTIONS", "/things", {**self.ASK, "Origin": "https://evil.example"})
        self.assertIsNone(foreign.get("access-control-allow-origin"))
        self.assertEqual(self.app.heads("/things"), [])

    def test_refuse_is_403(self):
        gate = self.start("refuse")
        self.check_refusal(gate.ask("OPTIONS", "/things", self.ASK), 403, "preflight_refused")
        self.assertEqual(self.app.heads("/things"), [])


class Defaults(Case):
    def test_the_environment_alone_makes_a_gate_where_every_path_needs_an_organisation(self):
        import os
        import subprocess
        from harness.process import PATIENCE, Scratch, binary
        app, scratch = self.start_app(), Scratch()
        self.addCleanup(scratch.close)
        clean = {k: v for k, v in os.environ.items() if not k.startswith(("CLERK_", "NEXT_PUBLIC_", "ORGGATE_"))}
        child = subprocess.Popen(
            [binary("ORGGATE_BIN", "build/debug/orggate"), "run", "--address-file", scratch.path / "address"],
            env={**clean, "CLERK_PUBLISHABLE_KEY": shared_clerk().publishable_key,
                 "CLERK_JWT_KEY": shared_clerk().public_pem(), "ORGGATE_UPSTREAM": app.url},
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            # It listens where the reference says; a busy port there is this machine's affair.
            deadline = time.monotonic() + 5
            while not (scratch.path / "address").exists() and child.poll() is None and time.monotonic() < deadline:
                time.sleep(0.01)
            if child.poll() is not None:
                self.skipTest("its default ports are taken")
            port = int(json.loads((scratch.path / "address").read_text())["listen"][0].rpartition(":")[2])
            from harness.client import Connection
            with Connection(port) as connection:
                self.assertEqual(connection.ask("GET", "/").status, 401)
                self.assertEqual(connection.ask("GET", "/", bearer(token_without_org())).status, 403)
                self.check_allowed(connection.ask("GET", "/", bearer(token())))
        finally:
            child.send_signal(2)
            child.wait(PATIENCE)

    def test_without_public_origin_no_return_address_is_made_up(self):
        app = self.start_app()
        gate = self.start_gate(app.url, {"public_origin": None})
        answer = gate.ask(target="/things", headers=DOCUMENT)
        self.assertEqual((answer.status, answer.get("location")), (307, "https://accounts.example.com/sign-in"))

    def test_a_timeout_of_the_routes_own(self):
        app = self.start_app()
        app.on("/quick", lambda peer, head: peer.fill())
        gate = self.start_gate(app.url, {"routes": [
            {"name": "quick", "paths": ["/quick"], "access": "org", "timeout": "200ms"}]})
        began = time.monotonic()
        self.check_refusal(gate.ask(target="/quick", token=token()), 504, "upstream_timeout")
        self.assertLess(time.monotonic() - began, 5)

    def test_a_client_that_leaves_is_logged_as_such(self):
        app = self.start_app()
        app.on("/slow", lambda peer, head: peer.fill())
        gate = self.start_gate(app.url)
        connection = gate.connect()
        connection.send(compose("GET", "/slow", bearer(token())))
        wait_for(lambda: app.heads("/slow"), "the request to arrive")
        connection.abort()
        line = gate.access_lines(path="/slow")[0]
        self.assertEqual(line["verdict"], "aborted")


class HeaderChoices(Case):
    def test_renamed_and_additional_headers(self):
        app = self.start_app()
        gate = self.start_gate(app.url, {"headers": {
            "rename": {"X-Org-Id": "X-Tenant"}, "claims": {"X-User-Email": "email"}}})
        forged = {"X-Tenant": "evil", "X-Org-Id": "evil", "X-User-Email": "evil"}
        answer = gate.ask(headers=forged, token=token(claims={"email": "ada@example.com"}))
        seen = [(k.lower(), v) for k, v in json.loads(answer.body)["fields"]]
        self.assertEqual([v for k, v in seen if k in ("x-tenant", "x-org-id")], ["org_acme"])
        self.assertEqual([v for k, v in seen if k == "x-user-email"], ["ada@example.com"])
        without = json.loads(gate.ask(headers=forged, token=token()).body)["fields"]
        self.assertFalse([v for _, v in without if v == "evil"])
        self.check_refusal(gate.ask(headers={"X_Tenant": "evil"}, token=token()), 400, "malformed_request")

    def test_a_signed_assertion_that_the_app_can_check(self):
        import base64
        import hashlib
        from harness import keys
        from harness.process import Scratch
        scratch = Scratch()
        self.addCleanup(scratch.close)
        key = scratch.path / "assertion.pem"
        keys.openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", key)
        app = self.start_app()
        gate = self.start_gate(app.url, {"assertion": {
            "header": "X-Org-Assertion", "audience": "my-app", "key_file": str(key), "lifetime": "60s"}})
        answer = gate.ask(target="/things?x=1", headers={"X-Org-Assertion": "evil"}, token=token(sub="user_ada"))
        seen = [(k.lower(), v) for k, v in json.loads(answer.body)["fields"]]
        values = [v for k, v in seen if k == "x-org-assertion"]
        self.assertEqual(len(values), 1)

        def decode(text):
            return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        head, payload, signature = values[0].split(".")
        claims = json.loads(decode(payload))
        digest = base64.urlsafe_b64encode(hashlib.sha256(b"x=1").digest()).rstrip(b"=").decode()
        self.assertEqual(
            {k: claims[k] for k in ("aud", "sub", "org_id", "method", "host", "path", "query_sha256", "jti")},
            {"aud": "my-app", "sub": "user_ada", "org_id": "org_acme", "method": "GET", "host": "app.example.com",
             "path": "/things", "query_sha256": digest, "jti": dict(seen)["x-request-id"]})
        self.assertAlmostEqual(claims["exp"], time.time() + 60, delta=15)

        # With the published key and a verifier that is not ours.
        jwk = json.loads(gate.telemetry("/.well-known/jwks.json").body)["keys"][0]
        self.assertEqual((jwk["kid"], jwk["crv"], "d" in jwk), (json.loads(decode(head))["kid"], "P-256", False))
        spki = bytes.fromhex("3059301306072a8648ce3d020106082a8648ce3d03010703420004") + decode(jwk["x"]) + decode(jwk["y"])
        public = scratch.write("public.der", spki)
        raw = decode(signature)

        def integer(part):
            part = part.lstrip(b"\0")
            part = b"\0" + part if part[0] & 0x80 else part
            return b"\x02" + bytes([len(part)]) + part
        body = integer(raw[:32]) + integer(raw[32:])
        keys.openssl("dgst", "-sha256", "-verify", public, "-keyform", "DER", "-signature",
                     scratch.write("signature", b"\x30" + bytes([len(body)]) + body),
                     scratch.write("signed", f"{head}.{payload}"))
