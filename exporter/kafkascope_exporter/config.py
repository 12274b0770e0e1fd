"""Every setting of the exporter as one frozen, validated model.

The same names are used by the YAML file; ``flags/`` relates them to the flags and the
environment, and ``cli.py`` reads all of these and builds a `Settings` from them. Each field
understands what a flag or the file holds as text (``15s``, ``a:9092,b:9092``, a Go regular
expression) as well as the finished value. What concerns several fields at once is in
``checks.py``.
"""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    PlainValidator,
    SecretStr,
)

from kafkascope_exporter.addresses import parse_server
from kafkascope_exporter.constantlabels import check_labels, parse_labels
from kafkascope_exporter.durations import parse_duration
from kafkascope_exporter.patterns import compile_pattern
from kafkascope_exporter.properties import Properties, parse_properties

# Paths that the server answers itself, some of them in a later version.
OWN_PATHS = frozenset({"/", "/-/healthy", "/-/ready", "/-/reload", "/healthz", "/probe"})
_INTERVAL = 15.0
_TELEMETRY_PATH = re.compile(r"(?:/[A-Za-z0-9._~!$&'()*+,;=:@%-]+)+")
_TOKEN_URL = re.compile(r"https?://[^\s/?#]+\S*", re.IGNORECASE)


def _seconds(value: object) -> object:
    return parse_duration(value) if isinstance(value, str) else value


def _pattern(value: object) -> object:
    return compile_pattern(value) if isinstance(value, str) else value


def _excluding(value: object) -> object:
    # An empty pattern is found in every name; nobody who leaves a filter empty wants that.
    return _pattern(value or "^$")


def _path_or_none(value: object) -> object:
    return None if value == "" else value


def _labels(value: object) -> object:
    return parse_labels(value) if isinstance(value, str) else value


def _properties(value: object) -> Properties:
    match value:
        case Properties():
            return value
        case Mapping():
            return Properties(value)
        case str():
            return parse_properties(value.splitlines())
        case [*lines]:
            return parse_properties([str(line) for line in lines])
    raise ValueError("must be a mapping")


def _pieces(value: object) -> object:
    """Split text, or each text of a list, at commas, and drop what is empty."""
    if isinstance(value, str):
        value = [value]
    if not isinstance(value, Sequence):
        return value
    pieces = (piece.strip() for item in value for piece in str(item).split(","))
    return tuple(filter(None, pieces))


def _servers(value: object) -> object:
    pieces = _pieces(value)
    if not pieces:
        raise ValueError("names no server: write host:port")
    return tuple(map(parse_server, pieces)) if isinstance(pieces, tuple) else pieces


def _mechanism(value: object) -> object:
    """Accept Kafka's own spelling (``SCRAM-SHA-512``) beside danielqsj's (``scram-sha512``)."""
    return value.lower().replace("sha-", "sha") if isinstance(value, str) else value


def _telemetry_path(value: str) -> str:
    if not _TELEMETRY_PATH.fullmatch(value):
        raise ValueError(f"{value!r} is not a path: it starts with / and ends without")
    if value in OWN_PATHS:
        raise ValueError(f"{value!r} is taken: the exporter answers something else there")
    return value


def _token_url(value: str) -> str:
    if value and not _TOKEN_URL.fullmatch(value):
        raise ValueError("must be a URL that starts with https:// or http://")
    return value


Duration = Annotated[float, BeforeValidator(_seconds)]
Include = Annotated[re.Pattern[str], BeforeValidator(_pattern)]
Exclude = Annotated[re.Pattern[str], BeforeValidator(_excluding)]
File = Annotated[Path | None, BeforeValidator(_path_or_none)]


class Section(BaseModel):
    """A part of the settings: immutable, and refuses names that it does not know."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, arbitrary_types_allowed=True, hide_input_in_errors=True
    )


class Filter(Section):
    """Which names pass: found by ``include`` and not found by ``exclude`` (unanchored search)."""

    include: Include = re.compile(".*")
    exclude: Exclude = re.compile(r"^\Z")

    def passes(self, name: str) -> bool:
        """Tell whether ``name`` is wanted; exclude wins over include."""
        return bool(self.include.search(name)) and not self.exclude.search(name)


class Tls(Section):
    """TLS to the brokers."""

    enabled: bool = False
    server_name: str = ""
    ca_file: File = None
    cert_file: File = None
    key_file: File = None
    key_password: SecretStr = SecretStr("")
    insecure_skip_tls_verify: bool = False


class Sasl(Section):
    """SASL to the brokers."""

    enabled: bool = False
    mechanism: Annotated[
        Literal["", "plain", "scram-sha256", "scram-sha512", "gssapi", "awsiam", "oauthbearer"],
        BeforeValidator(_mechanism),
    ] = ""
    username: str = ""
    password: SecretStr = SecretStr("")
    aws_region: str = ""
    oauthbearer_token_url: Annotated[str, AfterValidator(_token_url)] = ""
    oauthbearer_scopes: Annotated[tuple[str, ...], BeforeValidator(_pieces)] = ()
    service_name: str = ""
    kerberos_config_path: File = None
    realm: str = ""
    kerberos_auth_type: Literal["", "keytabAuth", "userAuth"] = ""
    keytab_path: File = None


class Cluster(Section):
    """One Kafka cluster and what to collect from it."""

    servers: Annotated[tuple[str, ...], BeforeValidator(_servers)] = ("kafka:9092",)
    client_id: Annotated[str, Field(min_length=1)] = "kafkascope-exporter"
    labels: Annotated[
        Mapping[str, str], BeforeValidator(_labels), AfterValidator(check_labels)
    ] = {}
    properties: Annotated[
        Mapping[str, str],
        PlainValidator(_properties),
        PlainSerializer(Properties.redacted),
    ] = Properties({})
    tls: Tls = Tls()
    sasl: Sasl = Sasl()
    topics: Filter = Filter()
    groups: Filter = Filter()
    show_all_offsets: bool = True


def _of_interval(factor: float) -> Any:  # noqa: ANN401 - what pydantic's Field returns
    """Give a field that defaults to ``factor`` times the interval (which may not be valid)."""
    return Field(default_factory=lambda known: factor * known.get("interval", _INTERVAL))


class Collect(Section):
    """When and how long to collect; all times in seconds."""

    interval: Annotated[Duration, Field(gt=0)] = _INTERVAL
    deadline: Annotated[Duration, Field(gt=0)] = _of_interval(0.8)
    hold: Annotated[Duration, Field(ge=0)] = _of_interval(1)
    staleness: Annotated[Duration, Field(gt=0)] = _of_interval(3)
    on_scrape: bool = False


class ServerTls(Section):
    """HTTPS of the exporter's own listener."""

    enabled: bool = False
    mutual_auth_enabled: bool = False
    ca_file: File = None
    cert_file: File = None
    key_file: File = None


class Web(Section):
    """The HTTP listener."""

    listen_host: str = ""
    listen_port: Annotated[int, Field(ge=0, le=65535)] = 9308
    telemetry_path: Annotated[str, AfterValidator(_telemetry_path)] = "/metrics"
    tls: ServerTls = ServerTls()


class Metrics(Section):
    """What is rendered."""

    uncommitted: Literal["absent", "sentinel"] = "absent"


class Log(Section):
    """The exporter's own log."""

    level: Literal["debug", "info", "warn", "error"] = "info"
    format: Literal["logfmt", "json"] = "logfmt"


class Settings(Section):
    """All settings; ``clusters`` holds exactly one entry."""

    clusters: Annotated[tuple[Cluster, ...], Field(min_length=1, max_length=1)] = (Cluster(),)
    collect: Collect = Collect()
    web: Web = Web()
    metrics: Metrics = Metrics()
    log: Log = Log()
