"""Checks that concern several settings at once, or the files that they name."""

import ssl
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from kafkascope_exporter.config import Collect, Sasl, ServerTls, Settings, Tls
from kafkascope_exporter.durations import format_duration
from kafkascope_exporter.sources import Given, Source

_SHORTEST_INTERVAL = 0.1
_OFF = frozenset({"", "0", "f", "false", "no", "off", "n"})


class Finding(NamedTuple):
    """A problem: the name of the flag that it is about, and what is wrong with its value."""

    flag: str
    message: str


def find_problems(settings: Settings) -> list[Finding]:
    """Find every problem of settings that are valid one by one."""
    cluster = settings.clusters[0]
    return [
        *_collect(settings.collect),
        *_tls(cluster.tls),
        *_sasl(cluster.sasl),
        *_server_tls(settings.web.tls),
    ]


def find_notices(settings: Settings, given: Mapping[str, Given]) -> list[str]:
    """Find what the user should know: settings without effect, a password in the open."""
    cluster = settings.clusters[0]
    switches = {
        "tls": cluster.tls.enabled,
        "sasl": cluster.sasl.enabled,
        "server.tls": settings.web.tls.enabled,
    }
    notices = []
    for part, enabled in switches.items():
        idle = [] if enabled else _given_in(part, given)
        if idle:
            verb = "has" if len(idle) == 1 else "have"
            notices.append(f"{', '.join(idle)} {verb} no effect without --{part}.enabled")
    if cluster.sasl.enabled and cluster.sasl.mechanism == "plain" and not cluster.tls.enabled:
        notices.append("--sasl.mechanism: plain without --tls.enabled sends the password readable")
    return notices


def _given_in(part: str, given: Mapping[str, Given]) -> list[str]:
    """Give the origins of what somebody set, and not to nothing, in one part of the settings."""
    return [
        item.origin
        for name, item in given.items()
        if name.startswith(f"{part}.")
        and item.source is not Source.FALLBACK
        and not (isinstance(item.value, str) and item.value.lower() in _OFF)
    ]


def _collect(collect: Collect) -> Iterator[Finding]:
    interval = format_duration(collect.interval)
    if collect.interval < _SHORTEST_INTERVAL:
        least = format_duration(_SHORTEST_INTERVAL)
        yield Finding("collect.interval", f"must be at least {least}, not {interval}")
    if collect.deadline > collect.interval:
        deadline = format_duration(collect.deadline)
        yield Finding("collect.deadline", f"{deadline} is longer than the interval of {interval}")
    if collect.staleness < collect.interval:
        staleness = format_duration(collect.staleness)
        yield Finding(
            "collect.staleness",
            f"{staleness} is shorter than the interval of {interval}:"
            " the series would vanish before each collection",
        )


def _tls(tls: Tls) -> Iterator[Finding]:
    if not tls.enabled:
        return
    yield from _authorities("tls.ca-file", tls.ca_file)
    yield from _pair("tls", tls.cert_file, tls.key_file, tls.key_password.get_secret_value())


def _server_tls(tls: ServerTls) -> Iterator[Finding]:
    if not tls.enabled:
        return
    for name, file in (("cert", tls.cert_file), ("key", tls.key_file)):
        if file is None:
            yield Finding(f"server.tls.{name}-file", "is needed with --server.tls.enabled")
    if tls.cert_file and tls.key_file:
        yield from _pair("server.tls", tls.cert_file, tls.key_file, "")
    if tls.mutual_auth_enabled and tls.ca_file is None:
        yield Finding("server.tls.ca-file", "is needed with --server.tls.mutual-auth-enabled")
    yield from _authorities("server.tls.ca-file", tls.ca_file)


def _sasl(sasl: Sasl) -> Iterator[Finding]:
    if not sasl.enabled:
        return
    if not sasl.mechanism:
        yield Finding(
            "sasl.mechanism",
            "is needed with --sasl.enabled:"
            " plain, scram-sha256, scram-sha512, gssapi, awsiam or oauthbearer",
        )
    for flag, value in _needed(sasl).items():
        if not value:
            hint = " (or --sasl.password-file)" if flag == "sasl.password" else ""
            yield Finding(flag, f"is needed for --sasl.mechanism={sasl.mechanism}{hint}")
    if sasl.mechanism == "gssapi":
        yield from _kerberos(sasl)


def _needed(sasl: Sasl) -> dict[str, str]:
    """Give the settings that the mechanism cannot do without, by the name of the flag."""
    match sasl.mechanism:
        case "plain" | "scram-sha256" | "scram-sha512":
            password = sasl.password.get_secret_value()
            return {"sasl.username": sasl.username, "sasl.password": password}
        case "awsiam":
            return {"sasl.aws-region": sasl.aws_region}
        case "oauthbearer":
            url = sasl.oauthbearer_token_url
            return {"sasl.oauthbearer-token-url": url, "sasl.username": sasl.username}
    return {}


def _kerberos(sasl: Sasl) -> Iterator[Finding]:
    if sasl.kerberos_auth_type == "keytabAuth" and sasl.keytab_path is None:
        yield Finding("sasl.keytab-path", "is needed for --sasl.kerberos-auth-type=keytabAuth")
    yield from _readable("sasl.keytab-path", sasl.keytab_path)
    yield from _readable("sasl.kerberos-config-path", sasl.kerberos_config_path)


def _readable(flag: str, file: Path | None) -> Iterator[Finding]:
    if file is None:
        return
    try:
        with file.open("rb") as opened:
            if not opened.read(1):
                yield Finding(flag, f"{file} is empty")
    except OSError as error:
        yield Finding(flag, f"cannot read {file}: {error.strerror}")


def _authorities(flag: str, file: Path | None) -> Iterator[Finding]:
    unreadable = list(_readable(flag, file))
    yield from unreadable
    if file is None or unreadable:
        return
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(file)
    except ssl.SSLError:
        yield Finding(flag, f"{file} holds no certificate in PEM form")


def _pair(part: str, cert: Path | None, key: Path | None, password: str) -> Iterator[Finding]:
    if cert is None and key is None:
        return
    if key is None:
        yield Finding(f"{part}.key-file", f"is needed beside --{part}.cert-file")
    if cert is None:
        yield Finding(f"{part}.cert-file", f"is needed beside --{part}.key-file")
    unreadable = [*_readable(f"{part}.cert-file", cert), *_readable(f"{part}.key-file", key)]
    yield from unreadable
    if cert and key and not unreadable:
        yield from _fitting(part, cert, key, password)


def _fitting(part: str, cert: Path, key: Path, password: str) -> Iterator[Finding]:
    """Load the pair; a password is always handed over, or OpenSSL would ask at the terminal."""
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_cert_chain(cert, key, lambda: password)
    except (ssl.SSLError, ValueError) as error:
        if b"ENCRYPTED" in key.read_bytes():
            yield Finding(f"{part}.key-file", f"{key} is encrypted, {_password_advice(part)}")
        elif isinstance(error, ssl.SSLError) and error.reason == "KEY_VALUES_MISMATCH":
            yield Finding(f"{part}.key-file", f"{key} is not the key of {cert}")
        else:
            yield Finding(
                f"{part}.cert-file", f"{cert} and {key} are not a certificate and its key (PEM)"
            )


def _password_advice(part: str) -> str:
    if part == "tls":
        return "and --tls.key-password-file does not open it"
    return "which the server cannot use: store it without a password"
