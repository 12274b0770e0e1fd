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
from dataclasses import dataclass, field
from typing import Protocol

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
        self._request: threading.Event | None = None
        self._why = "no token has been requested"
        self._pause = _FIRST_PAUSE
        self._retry_at = 0.0

    def valid(self, patience: float = 0.5) -> Token:
        """Give a token that has not expired, for a caller that must not block for long.

        Args:
            patience: seconds to wait when there is none and this call begins the request; a call
                that finds one under way does not wait.

        Raises:
            TokenError: there is none by then.
        """
        begun, request = self._renew_if_due()
        token = self._unexpired()
        if token is None and begun and request:
            request.wait(patience)
            token = self._unexpired()
        if token is None:
            raise TokenError(self._why)
        return token

    def renewed(self, patience: float = 15.0) -> Token:
        """Give a token that is not yet due for renewal, else one that has not expired.

        Args:
            patience: seconds to wait for a request under way.

        Raises:
            TokenError: there is none by then.
        """
        _, request = self._renew_if_due()
        if request:
            request.wait(patience)
        token = self._unexpired()
        if token is None:
            raise TokenError(self._why)
        return token

    def _unexpired(self) -> Token | None:
        token = self._token
        return token if token and self._clock() < token.expires_at else None

    def _renew_if_due(self) -> tuple[bool, threading.Event | None]:
        """Begin a request if one is due; tell whether, and the event of the one under way."""
        now = self._clock()
        with self._lock:
            due = self._token is None or now >= self._token.renew_at
            if self._request or not due or now < self._retry_at:
                return False, self._request
            request = self._request = threading.Event()
            if self._unexpired() is None:
                self._why = "the request for a token has not been answered yet"
        threading.Thread(target=self._fetch, args=[request], name="token", daemon=True).start()
        return True, request

    def _fetch(self, request: threading.Event) -> None:
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
            request.set()

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
