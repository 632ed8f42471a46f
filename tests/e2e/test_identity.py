"""What the app gets: the verified identity and nothing a client could have forged."""
import json
import re

from common import SharedGate, shared_clerk, token, token_without_org
from harness.client import HOST, bearer, compose

OURS = ["x-org-id", "x-org-slug", "x-org-role", "x-org-permissions", "x-org-plan", "x-org-features",
        "x-user-id", "x-session-id", "x-actor-id", "x-auth-kind"]
ROUTES = [
    {"name": "public", "paths": ["/public(.*)"], "access": "public"},
    {"name": "account", "paths": ["/account(.*)"], "access": "signed_in"},
]


def folded(name):
    return re.sub(r"[^a-z0-9]", "-", name.lower())


class Headers(SharedGate):
    changes = {"routes": ROUTES}

    def arrived(self, target="/things", headers=None, token=None, method="GET", body=b""):
        """The request as the app saw it."""
        answer = self.gate.ask(method, target, headers, body, token=token)
        self.check_allowed(answer)
        return json.loads(answer.body)

    def values(self, seen, name):
        return [value for key, value in seen["fields"] if key.lower() == name]

    def check_identity(self, seen, **wanted):
        for name in OURS:
            value = wanted.pop(name.replace("-", "_"), None)
            self.assertEqual(self.values(seen, name), [] if value is None else [value], name)
        self.assertFalse(wanted)
        names = [key.lower() for key, _ in seen["fields"]]
        for name in names:
            self.assertTrue(name in OURS or folded(name) not in OURS, f"{name} folds to one of ours")

    def test_a_whole_session(self):
        good = token(org="org_acme", slug="acme", role="admin", fea="o:reports,u:beta,o:exports",
                     per="read,manage", fpm="3,1", pla="o:pro,u:free", sub="user_ada", sid="sess_one")
        self.check_identity(
            self.arrived(token=good), x_org_id="org_acme", x_org_slug="acme", x_org_role="org:admin",
            x_org_permissions="org:reports:read,org:reports:manage,org:exports:read",
            x_org_plan="pro", x_org_features="reports,exports", x_user_id="user_ada", x_session_id="sess_one",
            x_auth_kind="session")

    def test_a_token_of_version_1(self):
        good = token(v=None, shape=1, org="org_acme", slug="acme", role="admin",
                     permissions="org:reports:read", sub="user_ada", sid="sess_one")
        self.check_identity(
            self.arrived(token=good), x_org_id="org_acme", x_org_slug="acme", x_org_role="org:admin",
            x_org_permissions="org:reports:read", x_user_id="user_ada", x_session_id="sess_one",
            x_auth_kind="session")

    def test_an_impersonator_is_named(self):
        seen = self.arrived(token=token(act={"sub": "user_admin"}))
        self.assertEqual(self.values(seen, "x-actor-id"), ["user_admin"])

    def test_a_user_without_organisation_on_a_route_that_needs_none(self):
        seen = self.arrived("/account", token=token_without_org(sub="user_ada", sid="sess_one"))
        self.check_identity(seen, x_user_id="user_ada", x_session_id="sess_one", x_auth_kind="session")

    def test_claims_of_version_1_say_nothing_in_a_token_of_version_2(self):
        seen = self.arrived("/account", token=token_without_org(claims={"org_id": "org_evil"}))
        self.assertEqual(self.values(seen, "x-org-id"), [])

    def test_what_a_client_sends_under_our_names_never_arrives(self):
        forged = {name: "evil" for name in OURS} | {"X-ORG-ID": ["evil", "evil2"]}
        for target, credential in (("/things", token()), ("/public/x", token()), ("/public/x", None),
                                   ("/account", token_without_org()), ("/public/x", "nonsense")):
            with self.subTest(target, credential=bool(credential)):
                seen = self.arrived(target, forged, credential)
                self.assertFalse([v for k, v in seen["fields"] if k.lower() in OURS and "evil" in v])
                if credential is None or credential == "nonsense":
                    self.check_identity(seen)
                elif target != "/account":
                    self.assertEqual(self.values(seen, "x-org-id"), ["org_acme"])
        self.assertGreater(self.gate.metrics().get("orggate_stripped_fields_total", 0), 0)

    def test_bad_tokens_are_nobody_on_public_routes(self):
        for name, value in (("expired", token(ttl=-60)), ("foreign", token(key="foreign", kid="current")),
                            ("pending", token(sts="pending")), ("template", token(cat="template"))):
            with self.subTest(name):
                self.check_identity(self.arrived("/public/x", token=value))

    def test_aliases_of_our_names_are_refused(self):
        for name in ("X_Org_Id", "x_user_id", "X.Org.Id", "X-Org_Id", "X|Org~Id", "X!Org'Id", "X-Org-Id_", "X_Session-Id",
                     "Content_Length", "Transfer_Encoding", "Transfer.Encoding"):
            for target in ("/things", "/public/x"):
                with self.subTest(name, target=target):
                    self.check_refusal(
                        self.gate.ask("GET", target, {name: "5"}, token=token()), 400, "malformed_request")

    def test_trailers_become_nothing(self):
        with self.gate.connect() as connection:
            connection.send(compose("POST", "/things", {**bearer(token()), "Transfer-Encoding": "chunked"}))
            connection.send(b"5\r\nhello\r\n0\r\nX-Org-Id: evil\r\n\r\n")
            answer = connection.read("POST")
        self.assertNotIn(b"evil", answer.body)
        self.assertFalse([h for h in self.app.heads("/things") if "evil" in str(h.fields)])
        self.assertIn(answer.status, (200, 400))

    def test_connection_cannot_take_our_fields_away(self):
        answer = self.gate.ask(headers={"Connection": "close, X-Org-Id, X-User-Id"}, token=token())
        if answer.status == 400:
            self.check_refusal(answer, 400, "malformed_request")
        else:
            self.assertEqual(self.values(json.loads(answer.body), "x-org-id"), ["org_acme"])
        for name in ("Authorization", "Cookie", "Host", "Content-Length", "X-Forwarded-For"):
            with self.subTest(name):
                self.check_refusal(self.gate.ask(headers={"Connection": f"close, {name}"}, token=token()),
                                   400, "malformed_request")

    def test_rewriting_and_framework_names_never_arrive(self):
        names = ["X-Original-URL", "X-Rewrite-URL", "X-Forwarded-Uri", "X-Forwarded-Prefix", "X-HTTP-Method-Override",
                 "Forwarded", "X-Real-IP", "Proxy", "X-Clerk-Auth-Status", "x-middleware-subrequest", "x-invoke-path",
                 "x-matched-path", "x-action-forwarded", "Keep-Alive", "TE", "Trailer", "Proxy-Authorization",
                 "Proxy-Connection", "HTTP2-Settings", "Upgrade"]
        for target in ("/things", "/public/x"):
            seen = self.arrived(target, {name: "evil" for name in names}, token())
            there = {key.lower() for key, _ in seen["fields"]} & {name.lower() for name in names}
            self.assertEqual(there, set(), target)

    def test_forwarded_fields_are_rebuilt_from_the_connection(self):
        seen = self.arrived(headers={"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "https",
                                     "X-Forwarded-Host": "evil.example"}, token=token())
        self.assertEqual(self.values(seen, "x-forwarded-for"), ["127.0.0.1"])
        self.assertEqual(self.values(seen, "x-forwarded-proto"), ["http"])
        self.assertEqual(self.values(seen, "x-forwarded-host"), [HOST])
        self.assertEqual(self.values(seen, "host"), [HOST])

    def test_request_ids_of_strangers_are_replaced(self):
        seen = self.arrived(headers={"X-Request-Id": "mine", "traceparent": "00-" + "a" * 32 + "-" + "b" * 16 + "-01"},
                            token=token())
        ids, traces = self.values(seen, "x-request-id"), self.values(seen, "traceparent")
        self.assertEqual((len(ids), len(traces)), (1, 1))
        self.assertNotEqual(ids[0], "mine")
        self.assertRegex(traces[0], r"^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$")
        self.assertNotIn("a" * 32, traces[0])

    def test_the_canonical_path_is_what_travels_and_the_query_stays_as_it_was(self):
        rows = [
            ("/a%7Eb/%e2%82%ac?x=%2f&&y", "/a~b/%E2%82%AC?x=%2f&&y"),
            ("/p?", "/p?"),
            ("/p?a=1&__clerk_db_jwt=x&b=2&__clerk_synced=true", "/p?a=1&b=2"),
        ]
        for sent, wanted in rows:
            with self.subTest(sent):
                self.assertEqual(self.arrived(sent, token=token())["target"], wanted)

    def test_answers_to_somebody_are_private_unless_the_app_said_otherwise(self):
        silent = self.gate.ask(token=token())
        self.assertEqual(silent.get("cache-control"), "private")
        self.assertIn("authorization", silent.get("vary", "").lower())
        self.assertIn("cookie", silent.get("vary", "").lower())
        self.assertIsNone(self.gate.ask(target="/public/x").get("cache-control"))

    def test_an_app_cannot_speak_under_our_names(self):
        def answer(peer, head):
            peer.send("HTTP/1.1 200 OK\r\nX-Org-Id: leak\r\nX-User-Id: leak\r\nX-Mine: kept\r\nSet-Cookie: a=1\r\n"
                      "Set-Cookie: b=2\r\nKeep-Alive: timeout=5\r\nContent-Length: 0\r\n\r\n")
        self.app.on("/speaks", answer)
        got = self.gate.ask(target="/speaks", token=token())
        self.assertEqual([n for n in got.names() if n in OURS or n == "keep-alive"], [])
        self.assertEqual(got.all("set-cookie"), ["a=1", "b=2"])
        self.assertEqual(got.get("x-mine"), "kept")


class Cookies(SharedGate):
    changes = {"routes": ROUTES}
    other = "org_other"

    @property
    def suffix(self):
        import base64
        import hashlib
        digest = hashlib.sha1(shared_clerk().publishable_key.encode()).digest()
        return base64.urlsafe_b64encode(digest).decode()[:8]

    def org(self, cookies, headers=None):
        """The organisation the app saw, or the code of the refusal."""
        answer = self.gate.ask(headers={"Cookie": cookies.replace("_S=", f"_{self.suffix}="), **(headers or {})})
        if answer.status == 200:
            return next((v for k, v in json.loads(answer.body)["fields"] if k == "X-Org-Id"), None)
        return json.loads(answer.body)["code"]

    def test_which_cookie_is_the_session(self):
        plain, suffixed = token(org="org_plain"), token(org="org_suffixed")
        newer, foreign = token(org="org_newer", iat=2, exp=3600), token(org="org_foreign", iss="https://clerk.other.dev")
        now = "1700000000"
        rows = [
            ("plain alone", f"__session={plain}; __client_uat={now}", "org_plain"),
            ("suffixed alone", f"__session_S={suffixed}; __client_uat_S={now}", "org_suffixed"),
            ("both, signed in", f"__session={plain}; __session_S={suffixed}; __client_uat={now}; __client_uat_S={now}",
             "org_suffixed"),
            ("plain newer", f"__session={newer}; __session_S={suffixed}; __client_uat={now}; __client_uat_S={now}",
             "org_newer"),
            ("plain of another instance", f"__session={foreign}; __session_S={suffixed}; __client_uat={now}; "
             f"__client_uat_S={now}", "org_suffixed"),
            ("suffixed signed out, plain in", f"__session={plain}; __session_S={suffixed}; __client_uat={now}; "
             "__client_uat_S=0", "org_plain"),
            ("quoted", f'__session="{plain}"; __client_uat={now}', "token_malformed"),
            ("empty", "__session=; __client_uat=0", "token_missing"),
            ("the same twice", f"__session={plain}; __session={plain}; __client_uat={now}", "org_plain"),
            ("a longer name", f"x__session={plain}; __sessions={plain}", "token_missing"),
        ]
        for name, cookies, wanted in rows:
            with self.subTest(name):
                self.assertEqual(self.org(cookies), wanted)

    def test_a_header_token_wins_and_a_bad_one_never_falls_back(self):
        cookies = f"__session={token(org='org_cookie')}; __client_uat=1"
        self.assertEqual(self.org(cookies, bearer(token(org="org_header"))), "org_header")
        self.assertEqual(self.org(cookies, bearer(token(ttl=-60))), "token_expired")
        self.assertEqual(self.org(cookies, bearer("nonsense")), "token_malformed")

    def test_bearer_in_any_case_and_nothing_without_a_scheme(self):
        good = token(org="org_header")
        for value, wanted in ((f"bearer {good}", "org_header"), (f"BEARER {good}", "org_header"),
                              (good, "token_malformed"), (f"Basic {good}", "token_missing")):
            with self.subTest(value[:7]):
                self.assertEqual(self.org("a=b", {"Authorization": value}), wanted)

    def test_several_cookie_fields_are_one(self):
        answer = self.gate.ask(headers={"Cookie": ["a=b", f"__session={token()}; __client_uat=1"]})
        self.check_allowed(answer)

    def test_clerks_other_credentials_stay_here(self):
        good = token()
        cookies = (f"a=1; __session={good}; __client_uat=1; __refresh_{self.suffix}=r1; __refresh=r2; "
                   "__clerk_handshake=h; __clerk_handshake_nonce=n; z=2")
        seen = json.loads(self.gate.ask(headers={"Cookie": cookies}).body)
        arrived = "; ".join(v for k, v in seen["fields"] if k.lower() == "cookie")
        for name in ("__refresh", "__clerk_handshake"):
            self.assertNotIn(name, arrived)
        self.assertIn("a=1", arrived)
        self.assertIn("z=2", arrived)
        self.assertIn(f"__session={good}", arrived)


class Tokens(SharedGate):
    """Whatever bytes stand in a token, the wire stays clean and the process alive."""

    def test_every_shape_of_nonsense_is_401(self):
        good = token()
        head, payload, signature = good.split(".")
        rows = {
            "two parts": f"{head}.{payload}",
            "four parts": f"{good}.x",
            "empty parts": "..",
            "padded": f"{head}=.{payload}.{signature}",
            "standard alphabet": good.replace("-", "+").replace("_", "/") + "+",
            "a flipped byte": good[:-20] + ("A" if good[-20] != "A" else "B") + good[-19:],
            "duplicate keys": token(raw_payload='{"sub":"user_a","sub":"user_b","exp":9999999999}'),
            "huge number": token(raw_payload='{"sub":"user_a","exp":1e400}'),
            "deep": token(raw_payload="[" * 40 + "]" * 40),
            "not an object": token(raw_payload='"text"'),
            "CRLF in the organisation": token(org="org_a\r\nX-Evil: 1"),
            "CRLF in the slug": token(slug="a\r\nX-Evil: 1"),
            "NUL in the user": token(sub="user_a\0b"),
            "a role with a newline": token(role="admin\n"),
        }
        for name, value in rows.items():
            with self.subTest(name):
                answer = self.gate.ask(token=value)
                self.assertIn(answer.status, (401, 403), answer.raw[:300])
        self.assertFalse([h for h in self.app.requests if "x-evil" in h.names()])

    def test_a_token_over_16_kib_is_refused_and_one_below_passes(self):
        self.check_allowed(self.gate.ask(token=token(claims={"metadata": {"pad": "x" * 9000}})))
        big = self.gate.ask(token=token(claims={"metadata": {"pad": "x" * 16000}}))
        self.assertIn(big.status, (401, 431))

    def test_one_second_of_skew_is_not_an_hour(self):
        self.check_allowed(self.gate.ask(token=shared_clerk().mint(ttl=-2)))
        self.check_refusal(self.gate.ask(token=shared_clerk().mint(ttl=-20)), 401, "token_expired")

    def test_a_verified_token_ends_with_its_time(self):
        import time
        short = shared_clerk().mint(ttl=-3)  # two seconds of leeway left
        self.check_allowed(self.gate.ask(token=short))
        deadline = time.monotonic() + 10
        while (answer := self.gate.ask(token=short)).status == 200 and time.monotonic() < deadline:
            time.sleep(0.2)
        self.check_refusal(answer, 401, "token_expired")
