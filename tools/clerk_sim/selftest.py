#!/usr/bin/env python3
"""Checks the simulated Clerk instance from outside: python3 and the openssl command only.

usage: selftest.py CLERK_SIM
"""
import base64, hashlib, http.client, json, os, socket, ssl, subprocess, sys, tempfile, time, unittest
from urllib.parse import quote, urlencode

BINARY = sys.argv.pop(1)
SECRET = "sk_live_simulated"


def decode(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def start(folder, *options):
    """The running simulation and its (host, port)."""
    file = os.path.join(folder, "address.json")
    process = subprocess.Popen([BINARY, "--address-file", file, *options], stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 20
    while not os.path.exists(file):
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError("clerk_sim did not start")
        time.sleep(0.02)
    with open(file) as f:
        host, port = json.load(f)["listen"][0].rsplit(":", 1)
    os.remove(file)
    return process, (host, int(port))


class Simulation(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.process, self.address = start(self.folder.name)

    def tearDown(self):
        self.process.terminate()
        self.assertEqual(self.process.wait(10), 0)
        self.folder.cleanup()

    def call(self, target, method="GET", body=None, headers=None):
        connection = http.client.HTTPConnection(*self.address, timeout=10)
        connection.request(method, target, body, headers or {})
        answer = connection.getresponse()
        answer.text = answer.read()
        connection.close()
        return answer

    def json(self, *a, **k):
        return json.loads(self.call(*a, **k).text)

    def mint(self, **fields):
        return self.call("/mint?" + urlencode(fields)).text.decode()

    def claims(self, token):
        return json.loads(decode(token.split(".")[1]))

    def header(self, token):
        return json.loads(decode(token.split(".")[0]))

    def verifies(self, token, key="current", digest="-sha256", *options):
        name = lambda end: os.path.join(self.folder.name, end)
        head, payload, signature = token.split(".")
        with open(name("pem"), "wb") as f:
            f.write(self.call("/keys/pem?key=" + key).text)
        with open(name("sig"), "wb") as f:
            f.write(decode(signature))
        command = ["openssl", "dgst", digest, "-verify", name("pem"), "-signature", name("sig"), *options]
        return subprocess.run(command, input=f"{head}.{payload}".encode(), capture_output=True).returncode == 0

    def published(self):
        return [key["kid"] for key in self.json("/.well-known/jwks.json")["keys"]]

    def test_a_token_is_signed_with_the_published_key(self):
        token = self.mint(org="org_acme", per="read,manage", fpm="3", fea="o:x")
        self.assertEqual([self.header(token)["kid"]], self.published())
        self.assertTrue(self.verifies(token))
        self.assertFalse(self.verifies(self.mint(key="foreign")))
        claims = self.claims(token)
        self.assertEqual(claims["o"], {"id": "org_acme", "slg": "acme", "rol": "admin", "per": "read,manage", "fpm": "3"})
        self.assertEqual((claims["v"], claims["sts"], claims["exp"] - claims["iat"]), (2, "active", 60))
        self.assertEqual(claims["iss"], "https://clerk.example.com")

    def test_every_algorithm_it_names_is_the_one_it_used(self):
        pss = ("-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:digest")
        for alg, digest, options in (("RS256", "-sha256", ()), ("RS384", "-sha384", ()), ("RS512", "-sha512", ()),
                                     ("PS256", "-sha256", pss), ("PS512", "-sha512", pss)):
            with self.subTest(alg):
                token = self.mint(alg=alg)
                self.assertEqual(self.header(token)["alg"], alg)
                self.assertTrue(self.verifies(token, "current", digest, *options))
        self.assertTrue(self.mint(alg="none").endswith("."))
        self.assertEqual(len(decode(self.mint(alg="HS256").split(".")[2])), 32)

    def test_any_shape_can_be_minted(self):
        rows = [
            ("version 1", dict(v=1, org="org_a", role="member", permissions="org:a:b"),
             lambda h, c: c["org_role"] == "org:member" and c["org_permissions"] == ["org:a:b"] and "o" not in c and "sts" not in c),
            ("no version", dict(v="absent"), lambda h, c: "v" not in c),
            ("version as text", dict(v="string"), lambda h, c: c["v"] == "2"),
            ("pending", dict(sts="pending"), lambda h, c: c["sts"] == "pending"),
            ("expired", dict(exp=-60, iat=-120), lambda h, c: c["exp"] < time.time() - 50),
            ("no exp", dict(exp="absent"), lambda h, c: "exp" not in c),
            ("template", dict(cat="template", sid="absent"), lambda h, c: h["cat"] == "cl_B7d4PD222AAA" and "sid" not in c),
            ("machine", dict(cat="machine", sub="mch_x"), lambda h, c: h["cat"] == "cl_B7d4PD333AAA" and c["sub"] == "mch_x"),
            ("neutral", dict(cat="neutral"), lambda h, c: h["cat"] == "cl_I7d4PD111III"),
            ("no category, no type", dict(cat="none", typ="absent"), lambda h, c: "cat" not in h and "typ" not in h),
            ("key id", dict(kid="ins_nobody"), lambda h, c: h["kid"] == "ins_nobody"),
            ("no key id", dict(kid="absent"), lambda h, c: "kid" not in h),
            ("actor", dict(act='{"sub":"user_b"}'), lambda h, c: c["act"] == {"sub": "user_b"}),
            ("merged", dict(header='{"crit":["x"]}', claims='{"exp":"soon","sub":7}'),
             lambda h, c: h["crit"] == ["x"] and c["exp"] == "soon" and c["sub"] == 7),
        ]
        for name, fields, holds in rows:
            with self.subTest(name):
                token = self.mint(**fields)
                self.assertTrue(holds(self.header(token), self.claims(token)), token)
        raw = '{"sub":"a","sub":"b"}'
        self.assertEqual(decode(self.mint(raw_payload=raw).split(".")[1]).decode(), raw)
        posted = self.json("/mint", "POST", '{"sub":5,"sts":null}', {"Accept": "application/json"})
        self.assertEqual(json.loads(posted["payload"])["sub"], 5)
        self.assertEqual(self.call("/mint?typo=1").status, 400)
        self.assertEqual(self.call("/mint?key=next").status, 400)

    def test_the_api_key_set_needs_the_secret_key(self):
        refused = self.call("/v1/jwks", headers={"Authorization": "Bearer sk_live_other"})
        self.assertEqual((refused.status, json.loads(refused.text)["errors"][0]["code"]), (401, "clerk_key_invalid"))
        self.assertEqual(self.call("/v1/jwks").status, 401)
        self.assertEqual(self.call("/v1/jwks", headers={"Authorization": "Bearer " + SECRET}).status, 200)

    def test_keys_live_as_asked(self):
        first = self.published()[0]
        self.call("/keys/rotate?mode=publish-next", "POST")
        both = self.published()
        self.assertEqual((len(both), both[0]), (2, first))
        self.assertEqual(self.header(self.mint())["kid"], first)
        self.call("/keys/rotate?mode=activate", "POST")
        self.assertEqual(self.header(self.mint())["kid"], both[1])
        self.assertEqual(self.header(self.mint(key="old"))["kid"], first)
        self.assertEqual(sorted(self.published()), sorted(both))
        self.call("/keys/rotate?mode=drop-old", "POST")
        self.assertEqual(self.published(), both[1:])
        self.call("/keys/rotate?mode=immediate", "POST")
        self.assertEqual(self.published(), [self.header(self.mint())["kid"]])
        self.assertNotIn(self.published()[0], both)
        self.assertTrue(self.verifies(self.mint()))
        self.assertEqual(self.call("/keys/rotate?mode=activate", "POST").status, 400)

    def test_faults_strike_key_sets_alone_and_as_often_as_asked(self):
        def fault(**wanted):
            self.assertEqual(self.call("/faults", "POST", json.dumps({"jwks": wanted or None})).status, 200)

        fault(mode="500", count=1)
        self.assertEqual(self.call("/.well-known/jwks.json").status, 500)
        self.assertEqual(self.call("/.well-known/jwks.json").status, 200)
        fault(mode="empty")
        self.assertEqual(self.published(), [])
        fault(mode="garbage")
        self.assertRaises(ValueError, self.published)
        fault(mode="html")
        self.assertEqual(self.call("/.well-known/jwks.json").getheader("Content-Type"), "text/html; charset=utf-8")
        fault(mode="truncated")
        self.assertRaises(http.client.IncompleteRead, self.published)
        fault(mode="down")
        self.assertRaises((http.client.RemoteDisconnected, ConnectionResetError), self.published)
        self.assertEqual(self.call("/keys").status, 200)
        fault(mode="slow", delay_ms=200)
        begin = time.monotonic()
        self.assertEqual(len(self.published()), 1)
        self.assertGreaterEqual(time.monotonic() - begin, 0.2)
        fault()
        self.assertEqual(len(self.published()), 1)
        self.assertEqual(self.call("/faults", "POST", '{"jwks":{"mode":"tired"}}').status, 400)

    def test_requests_are_counted(self):
        self.call("/counters/reset", "POST")
        self.published(), self.published(), self.call("/nowhere")
        counts = self.json("/counters")
        self.assertEqual((counts["/.well-known/jwks.json"], counts["other"], counts["connections"]), (2, 1, 4))
        self.assertEqual(counts["key_set_requests_at_once"], 1)

    def cookies(self, answer):
        return dict(c.split(";")[0].split("=", 1) for c in answer.headers.get_all("Set-Cookie", []))

    def test_a_browser_signs_in_chooses_and_signs_out(self):
        back = "redirect_url=" + quote("http://127.0.0.1:8080/a?b=c", safe="")
        page = self.call("/sign-in?" + back)
        self.assertEqual((page.status, page.getheader("Set-Cookie")), (200, None))
        self.assertIn(f'action="/sign-in/do?{back}"'.encode(), page.text)
        signed_in = self.call("/sign-in/do?" + back, "POST")
        self.assertEqual((signed_in.status, signed_in.getheader("Location")), (303, "http://127.0.0.1:8080/a?b=c"))
        jar = self.cookies(signed_in)
        suffix = base64.urlsafe_b64encode(hashlib.sha1(b"pk_live_Y2xlcmsuZXhhbXBsZS5jb20k").digest())[:8].decode()
        self.assertEqual(jar["__session"], jar["__session_" + suffix])
        self.assertEqual(jar["__client_uat"], jar["__client_uat_" + suffix])
        claims = self.claims(jar["__session"])
        self.assertEqual(claims["azp"], "http://127.0.0.1:8080")
        self.assertNotIn("o", claims)
        self.assertGreaterEqual(claims["iat"], int(jar["__client_uat"]))
        self.assertTrue(self.verifies(jar["__session"]))

        known = {"Cookie": "; ".join(f"{name}={value}" for name, value in jar.items())}
        self.assertEqual(self.call("/choose-organization?" + back).status, 303)  # nobody: sign in first
        self.assertIn(b"org=org_globex", self.call("/choose-organization?" + back, headers=known).text)
        chosen = self.cookies(self.call("/choose-organization/do?org=org_acme&" + back, "POST", headers=known))
        self.assertEqual(self.claims(chosen["__session"])["o"]["id"], "org_acme")
        # Clerk's page sends who is already signed in back with a fresh token.
        known = {"Cookie": "clerk_sim_client=" + chosen["clerk_sim_client"]}
        again = self.call("/sign-in?ttl=7&" + back, headers=known)
        fresh = self.claims(self.cookies(again)["__session"])
        self.assertEqual((again.status, fresh["o"]["id"], fresh["exp"] - fresh["iat"]), (303, "org_acme", 7))
        gone = self.cookies(self.call("/sign-out", headers=known))
        self.assertEqual((gone["__session"], gone["__client_uat"], gone["clerk_sim_client"]), ("", "0", ""))

    def test_a_task_ends_with_a_choice(self):
        pending = self.cookies(self.call("/sign-in/do?pending=true", "POST"))
        self.assertEqual(self.claims(pending["__session"])["sts"], "pending")
        known = {"Cookie": "clerk_sim_client=" + pending["clerk_sim_client"]}
        self.assertIn(b"One task is left", self.call("/sign-in/tasks", headers=known).text)
        done = self.cookies(self.call("/choose-organization/do?org=org_acme", "POST", headers=known))
        self.assertEqual(self.claims(done["__session"])["sts"], "active")

    def test_nobody_is_sent_off_this_machine(self):
        rows = ["https://evil.example/", "//evil.example", "http://127.0.0.1@evil.example/", "http://127.0.0.1.evil.example/",
                "http:\\\\evil.example", "http://127.0.0.1\\@evil.example/", "javascript:alert(1)", "/x", "http://127.0.0.1:8080x/",
                "http://127.0.0.1/\r\nX: y"]
        for url in rows:
            with self.subTest(url):
                answer = self.call("/sign-in/do?" + urlencode({"redirect_url": url}))
                self.assertEqual((answer.status, answer.getheader("Set-Cookie")), (400, None))
        for url in ("https://localhost:1/x", "http://[::1]:8080/", "http://127.0.0.1"):
            with self.subTest(url):
                answer = self.call("/sign-in/do?" + urlencode({"redirect_url": url}))
                self.assertEqual((answer.status, answer.getheader("Location")), (303, url))

    def test_connections_are_kept_and_many(self):
        connections = [http.client.HTTPConnection(*self.address, timeout=10) for _ in range(20)]
        for _ in range(3):
            for connection in connections:
                connection.request("GET", "/keys")
            for connection in connections:
                self.assertEqual(len(connection.getresponse().read()) > 10, True)
        self.assertEqual(self.json("/counters")["connections"], 21)
        for connection in connections:
            connection.close()


class Options(unittest.TestCase):
    def test_it_speaks_tls_with_the_given_certificate(self):
        with tempfile.TemporaryDirectory() as folder:
            cert, key = os.path.join(folder, "cert.pem"), os.path.join(folder, "key.pem")
            subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", cert, "-days", "1",
                            "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"], check=True, capture_output=True)
            process, address = start(folder, "--tls-cert", cert, "--tls-key", key)
            try:
                with socket.create_connection(address, 10) as plain:
                    with ssl.create_default_context(cafile=cert).wrap_socket(plain, server_hostname="localhost") as secure:
                        secure.sendall(b"GET /.well-known/jwks.json HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                        self.assertIn(b"200 OK", secure.recv(4096))
            finally:
                process.terminate()
                self.assertEqual(process.wait(10), 0)

    def test_wrong_options_are_refused(self):
        for options in (["--listen", "0.0.0.0:0"], ["--publishable-key", "pk_live_"], ["--wrong", "1"], ["--tls-cert", "x"]):
            with self.subTest(options):
                answer = subprocess.run([BINARY, *options], capture_output=True, timeout=10)
                self.assertIn(answer.returncode, (1, 2))
                self.assertNotEqual(answer.stderr, b"")

    def test_a_development_key_gives_a_development_instance(self):
        with tempfile.TemporaryDirectory() as folder:
            process, (host, port) = start(folder, "--publishable-key", "pk_test_Y2xlcmsuY2xlcmsuZGV2JA")
            try:
                connection = http.client.HTTPConnection(host, port, timeout=10)
                connection.request("GET", "/sign-in/do")
                names = [c.split("=")[0] for c in connection.getresponse().headers.get_all("Set-Cookie")]
                self.assertIn("__session_QvfNY2dr", names)  # the suffix Clerk publishes for this key
                self.assertIn("__clerk_db_jwt", names)
                connection.close()
            finally:
                process.terminate()
                process.wait(10)


if __name__ == "__main__":
    unittest.main()
