"""TLS settings for both clients: a context for kafka-python, properties for librdkafka."""

import socket
import ssl
from collections.abc import Mapping
from typing import Any

from kafkascope_exporter.config import Tls
from kafkascope_exporter.kafka.secrettext import SecretText
from kafkascope_exporter.kafka.sockets import PlainSocket, SecureSocket

_ALGORITHM = "ssl.endpoint.identification.algorithm"


class _Context(ssl.SSLContext):
    """Makes `SecureSocket`s, for one name whatever host is connected to where there is one."""

    server_name = ""
    sslsocket_class = SecureSocket

    def wrap_socket(
        self,
        sock: socket.socket,
        server_side: bool = False,  # noqa: FBT001, FBT002 - the signature of ssl
        do_handshake_on_connect: bool = True,  # noqa: FBT001, FBT002
        suppress_ragged_eofs: bool = True,  # noqa: FBT001, FBT002
        server_hostname: str | bytes | None = None,
        session: ssl.SSLSession | None = None,
    ) -> ssl.SSLSocket:
        name = self.server_name or server_hostname
        secured = super().wrap_socket(
            sock, server_side, do_handshake_on_connect, suppress_ragged_eofs, name, session
        )
        if isinstance(sock, PlainSocket) and isinstance(secured, SecureSocket):
            sock.secured = secured
        return secured


def client_context(tls: Tls, properties: Mapping[str, str]) -> ssl.SSLContext:
    """Make what connections to the brokers are secured with; files are read now, once.

    TLS 1.2 is the oldest version spoken. Without ``--tls.ca-file`` the system's authorities are
    trusted.

    Args:
        tls: the settings.
        properties: librdkafka properties of ``--kafka.property``; those in `HONOURED` are heeded.

    Raises:
        OSError: a file cannot be read or used (`ssl.SSLError` is one).
    """
    context = _Context(ssl.PROTOCOL_TLS_CLIENT)
    context.server_name = tls.server_name
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.check_hostname = properties.get(_ALGORITHM, "https") == "https"
    if tls.insecure_skip_tls_verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    _trust(context, tls, properties)
    if tls.cert_file:
        # As a function, since OpenSSL would otherwise ask for it on the terminal.
        context.load_cert_chain(tls.cert_file, tls.key_file, tls.key_password.get_secret_value)
    if ciphers := properties.get("ssl.cipher.suites"):
        context.set_ciphers(ciphers)
    return context


HONOURED = frozenset({_ALGORITHM, "ssl.ca.pem", "ssl.crl.location", "ssl.cipher.suites"})
"""Properties of librdkafka that `client_context` heeds for kafka-python."""


def _trust(context: ssl.SSLContext, tls: Tls, properties: Mapping[str, str]) -> None:
    pem = properties.get("ssl.ca.pem")
    if tls.ca_file:
        context.load_verify_locations(tls.ca_file)
    if pem:
        context.load_verify_locations(cadata=pem)
    if not tls.ca_file and not pem:
        context.load_default_certs()
    if revoked := properties.get("ssl.crl.location"):
        context.load_verify_locations(revoked)
        context.verify_flags |= ssl.VERIFY_CRL_CHECK_LEAF


def librdkafka_tls(tls: Tls) -> dict[str, Any]:
    """Give the same settings as properties of librdkafka, which has none for the server's name."""
    properties: dict[str, Any] = {
        "ssl.ca.location": tls.ca_file and str(tls.ca_file),
        "ssl.certificate.location": tls.cert_file and str(tls.cert_file),
        "ssl.key.location": tls.cert_file and str(tls.key_file or tls.cert_file),
        "ssl.key.password": SecretText(tls.key_password.get_secret_value()),
        "enable.ssl.certificate.verification": "false" if tls.insecure_skip_tls_verify else "",
    }
    return {name: value for name, value in properties.items() if value}
