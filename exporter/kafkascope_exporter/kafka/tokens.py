"""Access tokens for SASL/OAUTHBEARER, renewed in time and shared by both Kafka clients.

Sources: RFC 6749 §4.4 (client credentials) and §5.2 (errors), RFC 6750 §2.1 (form of a token),
KIP-255 (OAUTHBEARER in Kafka).
"""

import base64
import binascii
import functools
import json
import logging
import re
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import wait as wait_for
from dataclasses import dataclass, field
from typing import Protocol

from kafka.errors import SaslAuthenticationFailedError
from kafka.net.sasl.oauth import AbstractTokenProvider

log = logging.getLogger(__name__)

RENEW_AFTER = 0.8
"""The share of a token's lifetime after which the next one is requested."""

UNKNOWN_LIFETIME = 300.0
"""Seconds that a token is used for whose issuer does not say how long it lives."""

_TOKEN = re.compile(r"[A-Za-z0-9._~+/-]+=*")
_FIRST_PAUSE = 1.0
_LONGEST_PAUSE = 30.0


class TokenError(Exception):
    """There is no valid token; the text says why in one line, and holds no secret."""


@dataclass(frozen=True, slots=True)
class Token:
    """An access token; times in Unix seconds."""

    value: str = field(repr=False)
    requested_at: float
    expires_at: float

    @property
    def renew_at(self) -> float:
        """When to request the next one."""
        return self.requested_at + RENEW_AFTER * (self.expires_at - self.requested_at)


class Grant(Protocol):
    """A way to get tokens; equal grants share one source."""

    def fetch(self) -> Token:
        """Request a new token; raises `TokenError`."""

    def __hash__(self) -> int:
        """Tell grants apart."""


class TokenSource:
    """Keeps one token and requests the next one in a thread of its own; for any threads.

    Nothing runs between requests, so a source needs no closing. After a failed request the next
    one waits 1 s, then twice as long each time, up to 30 s.

    Args:
        grant: how to get a token.
        clock: the time in Unix seconds.
    """

    def __init__(self, grant: Grant, clock: Callable[[], float] = time.time) -> None:
        self._grant = grant
        self._clock = clock
        self._lock = threading.Lock()
        self._token: Token | None = None
        self._request: Future[None] | None = None
        self._why = "no token has been requested"
        self._pause = _FIRST_PAUSE
        self._retry_at = 0.0

    def valid(self) -> Token:
        """Give a token that has not expired, at once; a request for the next one begins if due.

        Raises:
            TokenError: there is none.
        """
        self._renew_if_due()
        token = self._unexpired()
        if token is None:
            raise TokenError(self._why)
        return token

    def needed(self) -> "Future[None] | None":
        """Give the request under way, if there is one and no token is valid until it is done."""
        request = self._renew_if_due()
        return request if self._unexpired() is None else None

    def soon(self, patience: float = 3.0) -> Token:
        """Give a token that has not expired, and wait for one only if there is none.

        Args:
            patience: seconds to wait for a request under way.

        Raises:
            TokenError: there is none by then.
        """
        request = self.needed()
        if request:
            wait_for([request], patience)
        return self.valid()

    def renewed(self, patience: float = 3.0) -> Token:
        """Give a token that is not yet due for renewal, else one that has not expired.

        Args:
            patience: seconds to wait for a request under way.

        Raises:
            TokenError: there is none by then.
        """
        request = self._renew_if_due()
        if request:
            wait_for([request], patience)
        return self.valid()

    def _unexpired(self) -> Token | None:
        token = self._token
        return token if token and self._clock() < token.expires_at else None

    def _renew_if_due(self) -> "Future[None] | None":
        """Begin a request if one is due; give the one under way."""
        now = self._clock()
        with self._lock:
            due = self._token is None or now >= self._token.renew_at
            if self._request or not due or now < self._retry_at:
                return self._request
            request = self._request = Future()
            if self._unexpired() is None:
                self._why = "the request for a token has not been answered yet"
        try:
            threading.Thread(target=self._fetch, args=[request], name="token", daemon=True).start()
        except RuntimeError as error:  # the process may have no more threads
            self._failed(f"no token was requested: {error}")
            with self._lock:
                self._request = None
            request.set_result(None)
        return request

    def _fetch(self, request: "Future[None]") -> None:
        try:
            token = self._grant.fetch()
        except TokenError as error:
            self._failed(str(error))
        except Exception as error:
            log.debug("token request failed by a defect", exc_info=True)
            self._failed(f"the request for a token failed: {type(error).__name__}")
            raise
        else:
            with self._lock:
                self._token, self._pause = token, _FIRST_PAUSE
            log.debug("new token for %.0f s", token.expires_at - token.requested_at)
        finally:
            with self._lock:
                self._request = None
            request.set_result(None)

    def _failed(self, why: str) -> None:
        with self._lock:
            known = self._why == why
            self._why = why
            self._retry_at = self._clock() + self._pause
            self._pause = min(2 * self._pause, _LONGEST_PAUSE)
        log.log(logging.DEBUG if known else logging.WARNING, "%s", why)


@functools.lru_cache(maxsize=16)
def token_source(grant: Grant) -> TokenSource:
    """Give the one source of ``grant``: all clients that log in alike share its token."""
    return TokenSource(grant)


class LoginTokens(AbstractTokenProvider):  # type: ignore[misc] # kafka-python is untyped
    """Gives kafka-python a token at each login, on its network thread: it never waits there.

    Args:
        source: where the tokens come from.
    """

    def __init__(self, source: TokenSource) -> None:
        super().__init__()
        self._source = source

    def request(self) -> "Future[None] | None":
        """Give the request that a login has to wait for, if there is no valid token."""
        return self._source.needed()

    def token(self) -> str:
        """Give a valid token, or make the login fail with the reason."""
        try:
            return self._source.valid().value
        except TokenError as error:
            raise SaslAuthenticationFailedError(str(error)) from None


def make_token(value: object, lifetime: float | None, requested_at: float) -> Token:
    """Check what an issuer gave.

    Args:
        value: the token.
        lifetime: seconds from the request; when not known the token's own ``exp`` claim counts
            if it is a JSON Web Token (RFC 7519), else `UNKNOWN_LIFETIME`.
        requested_at: Unix seconds just before the request.

    Raises:
        TokenError: this is no token, or an expired one.
    """
    if not isinstance(value, str) or not _TOKEN.fullmatch(value):
        raise TokenError("the issuer's answer holds no access_token as RFC 6750 has it")
    if lifetime is not None:
        expires_at = requested_at + lifetime
    else:
        expires_at = _expiry(value) or requested_at + UNKNOWN_LIFETIME
    if expires_at <= requested_at:
        raise TokenError("the issuer gave a token that has expired: compare the clocks")
    return Token(value, requested_at, expires_at)


def _expiry(value: str) -> float | None:
    """Read the ``exp`` claim without verifying the token: that is the broker's part."""
    try:
        payload = value.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        return float(claims["exp"])
    except (IndexError, KeyError, TypeError, ValueError, binascii.Error):
        return None
