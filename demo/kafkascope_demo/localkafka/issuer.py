"""A small OAuth 2.0 token issuer on loopback: client credentials in, signed tokens out.

Run as ``python issuer.py PORT DIRECTORY``; the clients and their secrets are in
``DIRECTORY/clients.json``, the signing key is made there at the first start.

``POST /token`` is the client credentials grant of RFC 6749 §4.4, with the client's id and secret in
the Authorization header or in the form; ``GET /jwks`` is the key set of RFC 7517 that brokers check
the signatures (RS256) with.
"""

from __future__ import annotations

import base64
import hmac
import json
import sys
import time
import urllib.parse
import uuid
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

AUDIENCE: Final = "kafka"
SCOPES: Final = ("kafka", "kafka-read")
LIFETIME_S: Final = 900
_KEY_ID: Final = "kafkascope-local"


class TokenError(Exception):
    """A refused request; the argument is OAuth's error code (RFC 6749 §5.2)."""


class Issuer:
    """Signs tokens for known clients.

    Args:
        key: The signing key.
        clients: Secret by client id.
        url: Base address of this issuer, the tokens' ``iss``.
    """

    def __init__(self, key: rsa.RSAPrivateKey, clients: Mapping[str, str], url: str) -> None:
        self._key = key
        self._clients = clients
        self._url = url

    def token(self, form: Mapping[str, Sequence[str]], authorization: str | None) -> dict[str, Any]:
        """Answer a request for a token.

        Args:
            form: The request's form fields.
            authorization: The request's Authorization header.

        Raises:
            TokenError: The request is refused.
        """
        if form.get("grant_type") != ["client_credentials"]:
            raise TokenError("unsupported_grant_type")
        client, secret = _credentials(form, authorization)
        expected = self._clients.get(client)
        if expected is None or not hmac.compare_digest(expected.encode(), secret.encode()):
            raise TokenError("invalid_client")
        scopes = " ".join(form.get("scope", [SCOPES[0]])).split()
        if not set(scopes) <= set(SCOPES):
            raise TokenError("invalid_scope")
        return {
            "access_token": self._sign(client, scopes),
            "token_type": "Bearer",
            "expires_in": LIFETIME_S,
            "scope": " ".join(scopes),
        }

    def jwks(self) -> dict[str, Any]:
        """The public key set."""
        numbers = self._key.public_key().public_numbers()
        key = {
            "kty": "RSA",
            "use": "sig",
            "alg": "RS256",
            "kid": _KEY_ID,
            "n": _encode(_big_endian(numbers.n)),
            "e": _encode(_big_endian(numbers.e)),
        }
        return {"keys": [key]}

    def _sign(self, client: str, scopes: Sequence[str]) -> str:
        now = int(time.time())
        header = {"alg": "RS256", "typ": "JWT", "kid": _KEY_ID}
        claims = {
            "iss": self._url,
            "sub": client,
            "aud": AUDIENCE,
            "iat": now,
            "exp": now + LIFETIME_S,
            "jti": str(uuid.uuid4()),
            "scope": list(scopes),
        }
        signed = f"{_encode(_json(header))}.{_encode(_json(claims))}"
        signature = self._key.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256())
        return f"{signed}.{_encode(signature)}"


def serve(port: int, directory: Path) -> None:
    """Serve until the process is ended."""
    clients = json.loads((directory / "clients.json").read_text(encoding="utf-8"))
    issuer = Issuer(_key(directory / "signing.key"), clients, f"http://127.0.0.1:{port}")

    class Handler(BaseHTTPRequestHandler):
        """Routes requests to the issuer."""

        def do_GET(self) -> None:
            """Answer the key set and the liveness question."""
            if self.path == "/jwks":
                self._answer(HTTPStatus.OK, issuer.jwks())
            elif self.path == "/health":
                self._answer(HTTPStatus.OK, {"status": "up"})
            else:
                self._answer(HTTPStatus.NOT_FOUND, {"error": "not_found"})

        def do_POST(self) -> None:
            """Answer a request for a token."""
            length = min(int(self.headers.get("Content-Length") or 0), 65_536)
            form = urllib.parse.parse_qs(self.rfile.read(length).decode(errors="replace"))
            if self.path != "/token":
                self._answer(HTTPStatus.NOT_FOUND, {"error": "not_found"})
                return
            try:
                self._answer(HTTPStatus.OK, issuer.token(form, self.headers.get("Authorization")))
            except TokenError as error:
                unknown = error.args[0] == "invalid_client"
                status = HTTPStatus.UNAUTHORIZED if unknown else HTTPStatus.BAD_REQUEST
                self._answer(status, {"error": error.args[0]})

        def _answer(self, status: HTTPStatus, content: Mapping[str, Any]) -> None:
            body = _json(content)
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Cache-Control", "no-store")
            self.end_headers()
            self.wfile.write(body)

    ThreadingHTTPServer(("127.0.0.1", port), Handler).serve_forever()


def _credentials(form: Mapping[str, Sequence[str]], authorization: str | None) -> tuple[str, str]:
    if authorization is None:
        return form.get("client_id", [""])[0], form.get("client_secret", [""])[0]
    kind, _, encoded = authorization.partition(" ")
    try:
        client, _, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
    except ValueError as error:
        raise TokenError("invalid_client") from error
    if kind.lower() != "basic":
        raise TokenError("invalid_client")
    return urllib.parse.unquote_plus(client), urllib.parse.unquote_plus(secret)


def _key(path: Path) -> rsa.RSAPrivateKey:
    if not path.exists():
        made = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        path.touch(mode=0o600)
        path.write_bytes(
            made.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
    key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    if not isinstance(key, rsa.RSAPrivateKey):
        raise TypeError(f"{path} is not an RSA key")
    return key


def _json(content: Mapping[str, Any]) -> bytes:
    return json.dumps(content).encode()


def _encode(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


def _big_endian(number: int) -> bytes:
    return number.to_bytes((number.bit_length() + 7) // 8, "big")


if __name__ == "__main__":
    serve(int(sys.argv[1]), Path(sys.argv[2]))
