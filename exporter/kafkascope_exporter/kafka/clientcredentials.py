"""Tokens by OAuth 2.0 client credentials: who asks the issuer how (RFC 6749 §4.4)."""

import base64
import json
import ssl
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPException, HTTPMessage
from pathlib import Path
from typing import IO
from urllib.parse import quote_plus, urlencode, urlsplit

from pydantic import SecretStr

from kafkascope_exporter.kafka.tokens import Token, TokenError, make_token

_TIMEOUT = 10.0
_LONGEST_ANSWER = 1 << 20
_LONGEST_QUOTE = 300


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """Makes a redirect an error: following it would lose the form or leak the secret."""

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: HTTPMessage,
        newurl: str,
    ) -> None:
        """Follow none."""


@dataclass(frozen=True, slots=True)
class ClientCredentials:
    """A grant by client id and secret.

    Args:
        url: the issuer's token endpoint.
        client_id: the client.
        secret: its secret.
        scopes: what to ask for; nothing means the issuer's default.
        ca_file: certificate authorities (PEM) that are trusted beside the system's.
    """

    url: str
    client_id: str
    secret: SecretStr
    scopes: tuple[str, ...] = ()
    ca_file: Path | None = None

    def fetch(self) -> Token:
        """Request a token: credentials in the header, and in the form if that is refused.

        Both are in use (RFC 6749 §2.3.1 wants the header, some issuers know only the form).

        Raises:
            TokenError: no answer, or not a token.
        """
        form = {"grant_type": "client_credentials"}
        if self.scopes:
            form["scope"] = " ".join(self.scopes)
        requested_at = time.time()
        try:
            answer = self._ask(form, {"Authorization": self._basic()})
        except _RefusedError as refused:
            if refused.status not in (HTTPStatus.BAD_REQUEST, HTTPStatus.UNAUTHORIZED):
                raise
            secret = self.secret.get_secret_value()
            credentials = {"client_id": self.client_id, "client_secret": secret}
            answer = self._ask(form | credentials, {})
        return make_token(answer.get("access_token"), _lifetime(answer), requested_at)

    def _basic(self) -> str:
        pair = f"{quote_plus(self.client_id)}:{quote_plus(self.secret.get_secret_value())}"
        return f"Basic {base64.b64encode(pair.encode()).decode()}"

    def _ask(self, form: dict[str, str], headers: dict[str, str]) -> dict[str, object]:
        request = urllib.request.Request(  # noqa: S310 - config.py lets only http and https through
            self.url, urlencode(form).encode(), {"Accept": "application/json", **headers}
        )
        try:
            with self._opener().open(request, timeout=_TIMEOUT) as response:
                return _object(response.read(_LONGEST_ANSWER)) or {}
        except urllib.error.HTTPError as error:
            with error:
                raise _RefusedError(error.code, self._refusal(error)) from None
        except (OSError, HTTPException) as error:
            reason = getattr(error, "reason", None) or error
            raise TokenError(f"cannot reach the token URL {self._where()}: {reason}") from None

    def _opener(self) -> urllib.request.OpenerDirector:
        context = ssl.create_default_context()
        if self.ca_file:
            context.load_verify_locations(self.ca_file)
        return urllib.request.build_opener(
            urllib.request.HTTPSHandler(context=context), _NoRedirects()
        )

    def _refusal(self, error: urllib.error.HTTPError) -> str:
        """Quote the issuer's reason (RFC 6749 §5.2): one line, without the secret."""
        told = _object(error.read(_LONGEST_ANSWER)) or {}
        quoted = [str(told[key]) for key in ("error", "error_description") if key in told]
        where = error.headers.get("Location")
        if where:
            quoted.append(f"it redirects to {where}")
        reason = " ".join(": ".join(quoted or [error.reason]).split())[:_LONGEST_QUOTE]
        secret = self.secret.get_secret_value()
        reason = reason.replace(secret, "**********") if secret else reason
        return f"the token URL {self._where()} answered {error.code}: {reason}"

    def _where(self) -> str:
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.hostname}{f':{parts.port}' if parts.port else ''}"


class _RefusedError(TokenError):
    """The issuer answered with an HTTP error."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status


def _object(body: bytes) -> dict[str, object] | None:
    try:
        content = json.loads(body)
    except ValueError:
        return None
    return content if isinstance(content, dict) else None


def _lifetime(answer: dict[str, object]) -> float | None:
    try:
        return float(str(answer["expires_in"]))
    except (KeyError, ValueError):
        return None
