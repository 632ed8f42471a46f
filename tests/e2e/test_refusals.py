"""What a refused client gets: every row of the refusal table, for an API client and for a document."""
import functools
import json
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlsplit

from common import App, Case, Gate, Nginx, SharedGate, shared_clerk, token, token_without_org
from harness.client import DOCUMENT, HOST, JSON, bearer, compose
from harness.upstreams import free_port

SIGN_IN = "https://accounts.example.com/sign-in"
TASKS = "https://accounts.example.com/sign-in/tasks"
CHOOSE = "https://app.example.com/choose-organization"
FORBIDDEN = "https://app.example.com/forbidden"

ORG = "org_acme"
BLOCKED = "org_blocked"
CONFIG = {
    "hosts": [HOST],
    "clerk": {"choose_org_url": CHOOSE},
    "http": {"body": "64KiB", "timeouts": {"client_head": "500ms", "body_gap": "500ms"}},
    "limits": {"few": {"rate": "2/1m"}, "tiny": {"rate": "3/1m"}},
    "tenants": {BLOCKED: {"blocked": True, "reason": "a test"}},
    "cors": {"origins": ["https://spa.example.net"]},
    "routes": [
        {"name": "public", "paths": ["/public(.*)"], "access": "public"},
        {"name": "account", "paths": ["/account(.*)"], "access": "signed_in"},
        {"name": "team", "paths": ["/orgs/:slug(.*)"], "access": "org", "org_in_path": "slug"},
        {"name": "role", "paths": ["/role"], "access": "org", "require": {"role": "org:owner"}},
        {"name": "permission", "paths": ["/permission"], "access": "org", "require": {"permission": "org:reports:read"}},
        {"name": "feature", "paths": ["/feature"], "access": "org", "require": {"feature": "exports"}},
        {"name": "plan", "paths": ["/plan"], "access": "org", "require": {"plan": ["pro", "enterprise"]}},
        {"name": "claim", "paths": ["/claim"], "access": "org", "require": {"claim": {"metadata.tier": "gold"}}},
        {"name": "human", "paths": ["/human"], "access": "org", "require": {"not_impersonated": True}},
        {"name": "verified", "paths": ["/verified"], "access": "org",
         "require": {"reverified": {"within": "10m", "level": "second_factor"}}},
        {"name": "few", "paths": ["/few"], "access": "org", "limits": ["few"]},
        {"name": "heavy", "paths": ["/heavy"], "access": "org", "limits": {"tiny": 5}},
        {"name": "reject", "paths": ["/reject"], "access": "org", "when_refused": "reject"},
    ],
}


def cookie(value):
    return {"Cookie": f"__session={value}; __client_uat=1"}


@dataclass
class Row:
    """A situation. `raw`: the bytes as they are; else GET `target` with `headers`."""
    name: str
    status: int
    code: str
    target: str = "/things"
    headers: dict = field(default_factory=dict)
    token: object = None           # a function, asked when the row runs
    raw: object = None
    closes: bool = False
    document_status: int = 0       # 0: the same as for an API client
    document_code: str = ""        # empty: the same
    location: str = ""             # of the document's redirect
    says: str = ""                 # what the problem's detail names


def line(text):
    return (text + "\r\n\r\n").encode("latin-1")


def sign_in(name, code, mint, **more):
    return Row(name, 401, code, token=mint, document_status=307, location=SIGN_IN, **more)


def minted(**fields):
    return functools.partial(token, **fields)


# Rows whose bytes are at fault: no document is told apart, and the connection ends.
BYTES = [
    Row("a space in the target", 400, "malformed_request", raw=line("GET /a b HTTP/1.1\r\nHost: " + HOST)),
    Row("an alias of a header of ours", 400, "malformed_request", headers={"X_Org_Id": "org_evil"}),
    Row("two Authorization fields", 400, "malformed_request", headers={"Authorization": ["Bearer a", "Bearer b"]}),
    Row("dot segments", 400, "ambiguous_target", target="/a/../b"),
    Row("an encoded slash", 400, "ambiguous_target", target="/a%2Fb"),
    Row("an empty segment", 400, "ambiguous_target", target="/a//b"),
    Row("TRACE", 405, "method_refused", raw=line("TRACE / HTTP/1.1\r\nHost: " + HOST)),
    Row("a body beyond the limit", 413, "body_too_large", token=minted(), headers={"Content-Length": str(64 * 1024 + 1)}),
    Row("a target beyond the limit", 414, "target_too_long", target="/" + "a" * 9000),
    Row("a field beyond the limit", 431, "head_too_large", headers={"X-Long": "a" * 9000}),
    Row("101 fields", 431, "head_too_large", headers={f"X-{i}": "a" for i in range(101)}),
    Row("a foreign Host", 421, "host_unknown", headers={"Host": "other.example.com"}),
    Row("HTTP/1.2", 505, "version_unsupported", raw=line("GET / HTTP/1.2\r\nHost: " + HOST)),
    Row("an unknown transfer coding", 501, "coding_unsupported",
        raw=line("POST / HTTP/1.1\r\nHost: " + HOST + "\r\nTransfer-Encoding: gzip, chunked")),
    Row("an unknown expectation", 417, "expectation_failed", headers={"Expect": "a-miracle"}),
]

TOKENS = [
    sign_in("no token", "token_missing", None),
    sign_in("another scheme", "token_missing", None, headers={"Authorization": "Basic dTpw"}),
    sign_in("not a token", "token_malformed", lambda: "abc"),
    sign_in("an expired token", "token_expired", minted(ttl=-60)),
    sign_in("a token of tomorrow", "token_not_active_yet", minted(nbf=600)),
    sign_in("a token issued tomorrow", "token_issued_in_future", minted(iat=600)),
    sign_in("a foreign key under our id", "token_signature", minted(key="foreign", kid="current")),
    sign_in("another party", "token_party", minted(azp="https://evil.example.com")),
    sign_in("no party", "token_party", minted(azp=None)),
    # A cookie of another instance is no cookie of ours.
    sign_in("another issuer", "token_issuer", minted(iss="https://clerk.example.org"), document_code="token_missing"),
    sign_in("no signature", "token_algorithm", minted(alg="none")),
    sign_in("the public key as a secret", "token_algorithm", minted(alg="HS256")),
    sign_in("a template's token", "token_category", minted(cat="template")),
    sign_in("a crit header", "token_malformed", minted(header={"crit": ["exp"]})),
    sign_in("a fractional version", "token_malformed", minted(claims={"v": 2.5})),
]

POLICY = [
    Row("a pending session", 401, "session_pending", token=minted(sts="pending"), document_status=307, location=TASKS),
    Row("no active organisation", 403, "org_missing", token=token_without_org, document_status=307, location=CHOOSE),
    Row("the path names another organisation", 404, "org_mismatch", target="/orgs/globex/x", token=minted()),
    Row("the organisation has changed", 409, "org_changed", headers={"X-Expected-Org": "org_other"}, token=minted()),
    Row("another role", 403, "role_missing", target="/role", token=minted(), says="owner"),
    Row("no permission", 403, "permission_missing", target="/permission", token=minted(), says="reports"),
    Row("no feature", 403, "feature_missing", target="/feature", token=minted(), says="exports"),
    Row("no plan", 403, "plan_missing", target="/plan", token=minted(), says="pro"),
    Row("no claim", 403, "claim_missing", target="/claim", token=minted(), says="metadata.tier"),
    Row("an impersonator", 403, "impersonation_refused", target="/human", token=minted(act={"sub": "user_admin"})),
    Row("a blocked organisation", 403, "blocked", token=minted(org=BLOCKED)),
    Row("a weight above the limit", 429, "quota_exhausted", target="/heavy", token=minted()),
]


class Refusals(Case):
    """Before an nginx that none of them may reach."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.app = App()
        cls.addClassCleanup(cls.app.close)
        cls.nginx = Nginx(cls.app.port)
        cls.addClassCleanup(cls.nginx.close)
        cls.gate = Gate(shared_clerk(), cls.nginx.url, CONFIG)
        cls.addClassCleanup(cls.gate.close)
        cls.gate.wait_until_ready()

    def send(self, row, kind):
        value = row.token() if row.token else None
        credentials = {} if value is None else cookie(value) if kind is DOCUMENT else bearer(value)
        data = row.raw or compose("GET", row.target, {**kind, **credentials, **row.headers})
        with self.gate.connect() as connection:
            connection.send(data)
            answer = connection.read()
            return answer, row.closes and connection.is_closed()

    def check_api_body(self, answer, row):
        self.assertEqual(answer.get("content-type"), "application/problem+json")
        problem = json.loads(answer.body)
        self.assertEqual(set(problem) - {"violated-policies"}, {"type", "title", "status", "detail", "code", "request_id"})
        self.assertEqual((problem["status"], problem["code"]), (row.status, row.code))
        self.assertEqual(problem["request_id"], answer.get("x-request-id"))
        if row.says:
            self.assertIn(row.says, problem["detail"])
        if row.status == 401:
            self.assertRegex(answer.get("www-authenticate", ""), r"^Bearer\b")
        self.assertEqual(answer.get("cache-control"), "no-store")

    def check_document(self, answer, row):
        status = row.document_status or row.status
        self.check_refusal(answer, status, row.document_code or row.code)
        if status == 307:
            self.assertEqual(answer.get("cache-control"), "no-store")
            location = urlsplit(answer.get("location"))
            self.assertEqual(location._replace(query="").geturl(), row.location)
            self.assertEqual(parse_qs(location.query), {"redirect_url": [f"https://{HOST}{row.target}"]})
            self.assertEqual(answer.all("set-cookie"),
                             ["__orggate_loop=1; Path=/; Max-Age=60; HttpOnly; SameSite=Lax; Secure"])
        else:
            self.assertRegex(answer.get("content-type"), "^text/html")
            self.assertIsNone(answer.get("location"))

    def run_rows(self, rows):
        before = self.nginx.requests()
        for row in rows:
            with self.subTest(row.name, client="API"):
                answer, _ = self.send(row, JSON)
                self.check_refusal(answer, row.status, row.code)
                self.check_api_body(answer, row)
            with self.subTest(row.name, client="document"):
                answer, _ = self.send(row, DOCUMENT)
                self.check_document(answer, row)
        self.assertEqual(self.nginx.requests(), before, "a refused request reached the upstream")

    def test_bad_tokens_are_401_and_documents_go_to_sign_in(self):
        self.run_rows(TOKENS)

    def test_policy_refusals(self):
        self.run_rows(POLICY)

    def test_bad_bytes_get_the_same_answer_for_everybody_and_end_the_connection(self):
        before = self.nginx.requests()
        for row in BYTES:
            row.closes = True
            for kind, name in ((JSON, "API"), (DOCUMENT, "document")):
                with self.subTest(row.name, client=name):
                    answer, closed = self.send(row, kind)
                    self.check_refusal(answer, row.status, row.code)
                    self.assertEqual(answer.get("connection"), "close")
                    self.assertTrue(closed, "the connection goes on")
        self.assertEqual(self.nginx.requests(), before)

    def test_a_slow_head_is_408(self):
        with self.gate.connect() as connection:
            connection.send(b"GET / HTTP/1.1\r\nHost: ")
            self.check_refusal(connection.read(), 408, "head_timeout")
            self.assertTrue(connection.is_closed())

    def test_a_head_that_drips_is_408_all_the_same(self):
        with self.gate.connect() as connection:
            connection.socket.settimeout(0.05)
            answer = b""
            for byte in compose("GET", "/", {"X-Long": "a" * 2000}):
                try:
                    connection.send(bytes([byte]))
                    if answer := connection.socket.recv(4096):
                        break
                except TimeoutError:
                    pass
            self.assertTrue(answer.startswith(b"HTTP/1.1 408 "), answer)

    def test_an_idle_connection_ends_without_a_word(self):
        # Nothing was asked, so nothing is answered: a 408 here would be taken for the answer to
        # a request that is on its way.
        with self.gate.connect() as connection:
            connection.socket.settimeout(1)
            with self.assertRaises(TimeoutError):
                connection.fill()

    def test_a_slow_body_is_408(self):
        with self.gate.connect() as connection:
            connection.send(compose("POST", "/sink", {**bearer(token()), "Content-Length": "10"}) + b"12345")
            self.check_refusal(connection.read("POST"), 408, "body_timeout")
            self.assertTrue(connection.is_closed())

    def test_a_chunked_body_beyond_the_limit_is_413(self):
        with self.gate.connect() as connection:
            connection.send(compose("POST", "/sink", {**bearer(token()), "Transfer-Encoding": "chunked"}))
            connection.send(b"10001\r\n" + b"x" * 0x10001 + b"\r\n0\r\n\r\n")
            self.check_refusal(connection.read("POST"), 413, "body_too_large")
            self.assertTrue(connection.is_closed())

    def test_reverification_is_refused_in_the_words_clerks_client_understands(self):
        answer = self.gate.ask(target="/verified", token=token(fva=[30, 30]))
        self.check_refusal(answer, 403, "reverification_needed")
        error = json.loads(answer.body)["clerk_error"]
        self.assertEqual((error["type"], error["reason"]), ("forbidden", "reverification-error"))
        self.assertEqual(error["metadata"]["reverification"], {"level": "second_factor", "afterMinutes": 10})

    def test_two_different_cookies_of_one_name_are_401(self):
        answer = self.gate.ask(target="/things", headers={"Cookie": f"__session={token()}; __session=other"})
        self.check_refusal(answer, 401, "token_ambiguous")

    def test_an_unknown_key_is_401(self):
        answer = self.gate.ask(target="/things", token=token(key="foreign"))
        self.check_refusal(answer, 401, "token_key_unknown")

    def test_an_unknown_key_is_401_for_documents_too(self):
        answer = self.gate.ask(target="/things", headers={**DOCUMENT, **cookie(token(key="foreign"))})
        self.check_refusal(answer, 401, "token_key_unknown")

    def test_over_a_limit_is_429_with_retry_after(self):
        good = token(org="org_few")
        for _ in range(2):
            self.check_allowed(self.gate.ask(target="/few", token=good))
        refused = self.gate.ask(target="/few", token=good)
        self.check_refusal(refused, 429, "quota_exhausted")
        # Up to a tenth later than need be, so that not all come back at once.
        self.assertIn(int(refused.get("retry-after")), range(1, 67))
        self.assertIn("few", json.loads(refused.body)["violated-policies"])
        document = self.gate.ask(target="/few", headers={**DOCUMENT, **cookie(good)})
        self.check_refusal(document, 429, "quota_exhausted")
        self.assertRegex(document.get("content-type"), "^text/html")

    def test_a_weight_that_never_fits_has_no_retry_after(self):
        answer = self.gate.ask(target="/heavy", token=token(org="org_heavy"))
        self.check_refusal(answer, 429, "quota_exhausted")
        self.assertIsNone(answer.get("retry-after"))

    # documents
    def test_head_is_never_redirected(self):
        answer = self.gate.ask("HEAD", "/things", DOCUMENT)
        self.assertEqual((answer.status, answer.body), (401, b""))
        self.assertIsNone(answer.get("location"))

    def test_what_is_a_document(self):
        rows = [
            ("a navigation", "GET", {"Sec-Fetch-Dest": "document", "Accept": "*/*"}, True),
            ("a frame", "GET", {"Sec-Fetch-Dest": "iframe", "Accept": "*/*"}, True),
            ("an old browser", "GET", {"Accept": "text/html,*/*"}, True),
            ("a script", "GET", {"Sec-Fetch-Dest": "empty", "Accept": "text/html"}, False),
            ("html not first", "GET", {"Accept": "*/*, text/html"}, False),
            ("a form", "POST", {"Sec-Fetch-Dest": "document", "Accept": "text/html"}, False),
        ]
        for name, method, headers, redirects in rows:
            with self.subTest(name):
                self.assertEqual(self.gate.ask(method, "/things", headers).status, 307 if redirects else 401)

    def test_a_route_may_reject_documents(self):
        self.check_refusal(self.gate.ask(target="/reject", headers=DOCUMENT), 401, "token_missing")

    def test_the_return_address_is_ours_whatever_the_client_says(self):
        answer = self.gate.ask(target="/things?x=1&redirect_url=https%3A%2F%2Fevil.example", headers={
            **DOCUMENT, "X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "http"})
        query = parse_qs(urlsplit(answer.get("location")).query)
        self.assertEqual(query, {"redirect_url": [
            f"https://{HOST}/things?x=1&redirect_url=https%3A%2F%2Fevil.example"]})

    def test_our_redirects_stop_after_three(self):
        for count in range(3):
            answer = self.gate.ask(target="/things", headers={**DOCUMENT, "Cookie": f"__orggate_loop={count}"})
            self.assertEqual(answer.status, 307)
            self.assertIn(f"__orggate_loop={count + 1};", answer.get("set-cookie"))
        for count in ("3", "4", "99999999999999999999"):
            answer = self.gate.ask(target="/things", headers={**DOCUMENT, "Cookie": f"__orggate_loop={count}"})
            self.check_refusal(answer, 403, "redirect_loop")
            self.assertRegex(answer.get("content-type"), "^text/html")

    def test_cors_fields_only_for_known_origins(self):
        known = self.gate.ask(target="/things", headers={"Origin": "https://spa.example.net"})
        self.assertEqual(known.get("access-control-allow-origin"), "https://spa.example.net")
        self.assertIn("origin", known.get("vary", "").lower())
        foreign = self.gate.ask(target="/things", headers={"Origin": "https://evil.example"})
        self.assertIsNone(foreign.get("access-control-allow-origin"))

    def test_a_refusal_before_the_body_never_reads_it_as_a_request(self):
        smuggled = compose("GET", "/public/smuggled")
        with self.gate.connect() as connection:
            connection.send(compose("POST", "/things", {"Content-Length": str(len(smuggled))}) + smuggled)
            self.check_refusal(connection.read("POST"), 401, "token_missing")
            try:
                connection.send(compose("GET", "/public/after"))
            except OSError:
                pass  # closed: as good
            following = connection.read()
            if following is not None:
                self.check_allowed(following)
                self.assertEqual(connection.buffer, b"")
        self.assertFalse([line for line in self.nginx.requests() if "smuggled" in line])

    def test_a_refusal_answers_expect_at_once_and_without_100(self):
        with self.gate.connect() as connection:
            connection.send(compose("POST", "/things", {"Content-Length": "5", "Expect": "100-continue"}))
            self.check_refusal(connection.read_any("POST"), 401, "token_missing")


class ForbiddenUrl(SharedGate):
    changes = {
        "clerk": {"forbidden_url": FORBIDDEN},
        "routes": [{"name": "role", "paths": ["/role"], "access": "org", "require": {"role": "org:owner"}}],
    }

    def test_a_document_goes_to_forbidden_url_where_one_is_set(self):
        answer = self.gate.ask(target="/role", headers={**DOCUMENT, **cookie(token())})
        self.check_refusal(answer, 307, "role_missing")
        self.assertTrue(answer.get("location").startswith(FORBIDDEN))

    def test_an_api_client_does_not(self):
        self.check_refusal(self.gate.ask(target="/role", token=token()), 403, "role_missing")


class Upstreams(Case):
    """The protected service is at fault."""

    def gate_before(self, url):
        return self.start_gate(url, {"http": {"timeouts": {"upstream_head": "500ms", "upstream_connect": "1s"}}})

    def check_both(self, gate, status, code):
        for kind in (JSON, DOCUMENT):
            answer = gate.ask(target="/things", headers={**kind, **bearer(token())})
            self.check_refusal(answer, status, code)
            self.assertRegex(answer.get("content-type"), "problem.json" if kind is JSON else "^text/html")

    def test_refused_is_502(self):
        self.check_both(self.gate_before(f"http://127.0.0.1:{free_port()}"), 502, "upstream_unreachable")

    def test_an_unknown_name_is_502(self):
        self.check_both(self.gate_before("http://no-such-host.invalid:80"), 502, "upstream_name")

    def test_silence_is_504(self):
        app = self.start_app()
        app.on("/things", lambda peer, head: peer.fill())
        self.check_both(self.gate_before(app.url), 504, "upstream_timeout")

    def test_a_broken_answer_is_502(self):
        broken = [
            b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
            b"HTTP/1.1 200 OK\r\nContent-Length: five\r\n\r\nhello",
            b"HTTP/1.1 200 OK\r\nX: a\r\n b\r\nContent-Length: 0\r\n\r\n",
            b"HTTP/1.1 200 OK\nContent-Length: 0\n\n",
            b"HTTP/1.1 000 Zero\r\nContent-Length: 0\r\n\r\n",
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
            b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            b"nonsense\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nX: " + b"a" * 70000,
        ]
        app = self.start_app()
        gate = self.gate_before(app.url)
        for answer in broken:
            with self.subTest(answer[:60]):
                app.on("/things", lambda peer, head, answer=answer: peer.send(answer) or False)
                self.check_refusal(gate.ask(target="/things", token=token()), 502, "upstream_protocol")

    def test_a_connection_that_ends_without_an_answer_is_502(self):
        app = self.start_app()
        app.on("/things", lambda peer, head: False)
        self.check_both(self.gate_before(app.url), 502, "upstream_closed")


class NoKeys(Case):
    def test_gated_routes_are_503_and_public_ones_serve(self):
        clerk, app = self.start_clerk(), self.start_app()
        clerk.fault("down")
        gate = self.start_gate(app.url, {
            "routes": [{"name": "public", "paths": ["/public(.*)"], "access": "public"}]}, clerk=clerk, wait=False)
        for kind in (JSON, DOCUMENT):
            answer = gate.ask(target="/things", headers={**kind, **bearer(clerk.mint())})
            self.check_refusal(answer, 503, "keys_unavailable")
            self.assertGreaterEqual(int(answer.get("retry-after")), 1)
        self.check_allowed(gate.ask(target="/public/page", token=clerk.mint()))

