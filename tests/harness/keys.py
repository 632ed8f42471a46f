"""Keys and certificates of one run, made by the openssl command."""
import base64
import subprocess

FRONTEND_HOST = "clerk.example.com"
PUBLISHABLE_KEY = "pk_live_" + base64.b64encode(f"{FRONTEND_HOST}$".encode()).decode()


def openssl(*arguments):
    done = subprocess.run(["openssl", *map(str, arguments)], capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"openssl {arguments[0]}: {done.stderr}")
    return done.stdout


def make_public_key(folder):
    """An RSA public key as PEM; its private half is gone at once, so nobody can mint for it."""
    private, public = folder / "private.pem", folder / "public.pem"
    openssl("genrsa", "-out", private, "2048")
    openssl("rsa", "-in", private, "-pubout", "-out", public)
    private.unlink()
    return public


def make_authority(folder, name="ca"):
    key, cert = folder / f"{name}.key", folder / f"{name}.pem"
    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", cert, "-days", "2",
            "-subj", f"/CN={name}", "-addext", "basicConstraints=critical,CA:TRUE")
    return key, cert


def make_certificate(folder, authority, name, subject):
    """A server certificate for `subject`, e.g. `DNS:localhost,IP:127.0.0.1`; gives (key, certificate)."""
    key, request, cert = (folder / f"{name}{end}" for end in (".key", ".csr", ".pem"))
    extensions = folder / f"{name}.ext"
    extensions.write_text(f"subjectAltName={subject}\n")
    openssl("req", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", request, "-subj", f"/CN={name}")
    openssl("x509", "-req", "-in", request, "-CA", authority[1], "-CAkey", authority[0], "-CAcreateserial",
            "-out", cert, "-days", "2", "-extfile", extensions)
    return key, cert
