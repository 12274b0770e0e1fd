"""Why a connection failed, in one line that a user can act on: with address and flags."""

import os
import re
import ssl
from dataclasses import dataclass

from kafka.errors import (
    IllegalSaslStateError,
    KafkaConnectionError,
    SaslAuthenticationFailedError,
    UnsupportedSaslMechanismError,
)

from kafkascope_exporter.kafka.codes import TIMED_OUT, code_of

_WITH_PASSWORD = frozenset({"PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"})
_ENDED = ("socket disconnected", "EOF", "Connection reset by peer", "Broken pipe")
_NOT_TLS = frozenset({"WRONG_VERSION_NUMBER", "UNEXPECTED_EOF_WHILE_READING", "HTTP_REQUEST"})
_SILENCE = re.compile("timed out|in time")
_CERTIFICATE_WANTED = re.compile("certificate required|bad certificate|handshake failure")


@dataclass(frozen=True, slots=True)
class FailedConnection:
    """A connection to ``address`` that came to an end, and how far it got before.

    ``answered`` says that the broker told its API versions, ``offered`` are the SASL mechanisms
    that it named; ``tls`` and ``mechanism`` (empty: none) are what the settings ask for.
    """

    address: str
    error: Exception
    answered: bool
    offered: tuple[str, ...]
    tls: bool
    mechanism: str

    @property
    def refused(self) -> bool:
        """Tell whether another attempt with the same settings would be refused as well."""
        refusals = (
            SaslAuthenticationFailedError,
            UnsupportedSaslMechanismError,
            IllegalSaslStateError,
        )
        return isinstance(self.error, refusals) or tls_error(self.error) is not None

    @property
    def weight(self) -> int:
        """How much it says, against others: a refusal most, a timeout least."""
        if self.refused:
            return 2
        silent = code_of(self.error) == TIMED_OUT or _SILENCE.search(str(self.error))
        return 0 if silent else 1

    def reason(self) -> str:
        """Say where and why in one line, without class names, with the flags to look at."""
        said, hint = _said(self.error), self._hint()
        if isinstance(self.error, UnsupportedSaslMechanismError):
            offered = ", ".join(self.offered) or "none"
            said = f"the broker does not take {self.mechanism}; it offers {offered}"
        return " ".join(f"{self.address}: {said}{f' ({hint})' if hint else ''}".split())

    def _hint(self) -> str:
        if isinstance(self.error, UnsupportedSaslMechanismError):
            return "--sasl.mechanism"
        if isinstance(self.error, IllegalSaslStateError):
            return "this listener wants no login: leave --sasl.enabled out"
        if isinstance(self.error, SaslAuthenticationFailedError):
            password = self.mechanism in _WITH_PASSWORD
            return "--sasl.username, --sasl.password, --sasl.mechanism" if password else ""
        failed = tls_error(self.error)
        if failed is not None:
            return _tls_hint(failed)
        if "speaks TLS" in str(self.error):
            return "--tls.enabled"
        return self._hint_of_the_end() if any(e in str(self.error) for e in _ENDED) else ""

    def _hint_of_the_end(self) -> str:
        """Guess what the listener wanted instead from how far the broker let us come."""
        if "Handshake failed" in str(self.error):
            return "this listener may speak no TLS: --tls.enabled"
        if self.answered and not self.mechanism:
            return "this listener may want a login: --sasl.enabled"
        if not self.answered and not self.tls:
            return "this listener may speak TLS: --tls.enabled, or want a login: --sasl.enabled"
        return "--tls and --sasl flags may not fit this listener"


def tls_error(error: Exception) -> ssl.SSLError | None:
    """Find what ``ssl`` raised behind what kafka-python made of it."""
    for inner in (error.__context__, *error.args):
        if isinstance(inner, ssl.SSLError):
            return inner
    return None


def _tls_hint(error: ssl.SSLError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        named = "not valid for" in error.verify_message
        return "--tls.server-name" if named else "--tls.ca-file, --tls.server-name"
    if error.reason in _NOT_TLS:
        return "this listener may speak no TLS: --tls.enabled"
    if _CERTIFICATE_WANTED.search(str(error).lower()):
        return "--tls.cert-file, --tls.key-file"
    return "--tls.enabled"


def _said(error: Exception) -> str:
    said = " ".join(str(argument) for argument in error.args) or type(error).__name__
    if refused := re.fullmatch(r"(?:unable to connect: )?(\d+) E[A-Z]+", said):
        return os.strerror(int(refused[1]))
    if isinstance(error, KafkaConnectionError):
        # What OpenSSL and the system put around their words.
        said = re.sub(r"\[(?:SSL|X509)[^\]]*\] |\[Errno \d+\] | ?\(_ssl\.c:\d+\)", "", said)
        said = said.replace("Handshake failed: ", "the TLS handshake failed: ")
    if isinstance(error, IllegalSaslStateError):
        return "the broker refuses to talk of a login"
    if said == "socket disconnected":
        return "the broker closed the connection"
    return said.removeprefix("SaslAuthenticationFailedError: ")
