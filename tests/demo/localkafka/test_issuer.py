from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from kafkascope_demo.localkafka.issuer import Issuer, TokenError

KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
FORM = {
    "grant_type": ["client_credentials"],
    "client_id": ["exporter"],
    "client_secret": ["s3cret"],
}


def issuer() -> Issuer:
    """An issuer with one client."""
    return Issuer(KEY, {"exporter": "s3cret", "a b": "c:d"}, "http://127.0.0.1:1")


def decoded(part: str) -> bytes:
    """Undo base64url without padding."""
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def number(part: str) -> int:
    """Read a JWK number."""
    return int.from_bytes(decoded(part), "big")


def claims_of(token: str) -> dict[str, Any]:
    """Verify a token with the published key and read it."""
    header, payload, signature = token.split(".")
    key = issuer().jwks()["keys"][0]
    public = rsa.RSAPublicNumbers(number(key["e"]), number(key["n"])).public_key()
    public.verify(
        decoded(signature), f"{header}.{payload}".encode(), padding.PKCS1v15(), hashes.SHA256()
    )
    assert json.loads(decoded(header))["kid"] == key["kid"]
    claims: dict[str, Any] = json.loads(decoded(payload))
    return claims


def test_a_token_verifies_with_the_published_key() -> None:
    """It names the client, the audience, the scope and its end."""
    answer = issuer().token(FORM, None)

    claims = claims_of(answer["access_token"])
    assert (claims["sub"], claims["aud"], claims["scope"]) == ("exporter", "kafka", ["kafka"])
    assert claims["exp"] - claims["iat"] == answer["expires_in"]


def test_a_changed_token_does_not_verify() -> None:
    """The signature covers the claims."""
    header, _, signature = issuer().token(FORM, None)["access_token"].split(".")
    forged = base64.urlsafe_b64encode(b'{"sub":"admin"}').decode().rstrip("=")

    with pytest.raises(InvalidSignature):
        claims_of(f"{header}.{forged}.{signature}")


def test_credentials_may_come_in_the_header() -> None:
    """HTTP Basic with form-encoded parts, as RFC 6749 section 2.3.1 says."""
    basic = base64.b64encode(b"a+b:c%3Ad").decode()

    answer = issuer().token({"grant_type": ["client_credentials"]}, f"Basic {basic}")

    assert claims_of(answer["access_token"])["sub"] == "a b"


@pytest.mark.parametrize(
    ("changed", "authorization", "code"),
    [
        ({"grant_type": ["password"]}, None, "unsupported_grant_type"),
        ({"grant_type": []}, None, "unsupported_grant_type"),
        ({"client_secret": ["wrong"]}, None, "invalid_client"),
        ({"client_id": ["nobody"]}, None, "invalid_client"),
        ({"scope": ["kafka admin"]}, None, "invalid_scope"),
        ({}, "Basic !!!", "invalid_client"),
        ({}, "Bearer ZXhwb3J0ZXI6czNjcmV0", "invalid_client"),
    ],
)
def test_a_bad_request_gets_oauths_error_code(
    changed: dict[str, list[str]], authorization: str | None, code: str
) -> None:
    """Each refusal has the code of RFC 6749 section 5.2."""
    with pytest.raises(TokenError, match=f"^{code}$"):
        issuer().token({**FORM, **changed}, authorization)
