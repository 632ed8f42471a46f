"""The simulated Clerk instance as a process, and the tokens it mints."""
import http.client
import json
import ssl

from . import keys
from .process import Process, Scratch, binary

PARTY = "https://app.example.com"
SECRET_KEY = "sk_live_simulatedSecretOfTheEndToEndSuite"

# Everything that must never be found in a log.
credentials = {SECRET_KEY}


class Clerk:
    def __init__(self, publishable_key=keys.PUBLISHABLE_KEY):
        self.scratch = Scratch()
        folder = self.scratch.path
        self.authority = keys.make_authority(folder)
        key, certificate = keys.make_certificate(folder, self.authority, "clerk", "DNS:localhost,IP:127.0.0.1")
        self.publishable_key = publishable_key
        self.process = Process(
            [binary("CLERK_SIM_BIN", "build/debug/clerk_sim"), "--publishable-key", publishable_key,
             "--secret-key", SECRET_KEY, "--tls-cert", certificate, "--tls-key", key,
             "--address-file", folder / "address"], folder / "log")
        self.address = self.process.wait_for_address_file(folder / "address")["listen"][0]
        self.url = f"https://{self.address}"
        self.ca_file = self.authority[1]
        self.tls = ssl.create_default_context(cafile=str(self.ca_file))

    def close(self):
        self.process.stop()
        self.scratch.close()

    def call(self, method, path, body=None):
        connection = http.client.HTTPSConnection(self.address, context=self.tls, timeout=20)
        try:
            connection.request(method, path, body=None if body is None else json.dumps(body))
            response = connection.getresponse()
            text = response.read().decode()
            if response.status != 200:
                raise RuntimeError(f"clerk_sim {path}: {response.status} {text}")
            return text
        finally:
            connection.close()

    def mint(self, **fields):
        """A token; by default a good session of the organisation org_acme."""
        token = self.call("POST", "/mint", {"org": "org_acme", "azp": PARTY, **fields})
        credentials.add(token.rpartition(".")[2])
        return token

    def mint_without_org(self, **fields):
        return self.mint(org=None, **fields)

    def public_pem(self):
        return self.call("GET", "/keys/pem")

    def rotate(self, mode):
        self.call("POST", f"/keys/rotate?mode={mode}")

    def fault(self, mode, **more):
        """None: well again."""
        self.call("POST", "/faults", {"jwks": {"mode": mode, **more} if mode else None})

    def counters(self):
        return json.loads(self.call("GET", "/counters"))

    def config(self):
        """The `clerk` section of a gate that fetches this instance's keys."""
        return {
            "publishable_key": self.publishable_key,
            "jwks_url": f"{self.url}/.well-known/jwks.json",
            "jwks_ca_file": str(self.ca_file),
            "authorized_parties": [PARTY],
        }
