"""Every setting of the exporter as one frozen, validated model.

The same names are used by the flags, the YAML file and the environment; ``cli.py`` and
``configfile.py`` read those and build a `Settings` from them.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr


class Section(BaseModel):
    """A part of the settings: immutable, and refuses names that it does not know."""

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)


class Filter(Section):
    """Which names pass: found by ``include`` and not found by ``exclude`` (unanchored search)."""

    include: re.Pattern[str] = re.compile(".*")
    exclude: re.Pattern[str] = re.compile("^$")

    def passes(self, name: str) -> bool:
        """Tell whether ``name`` is wanted; exclude wins over include."""
        return bool(self.include.search(name)) and not self.exclude.search(name)


class Tls(Section):
    """TLS to the brokers."""

    enabled: bool = False
    server_name: str = ""
    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None
    key_password: SecretStr = SecretStr("")
    insecure_skip_tls_verify: bool = False


class Sasl(Section):
    """SASL to the brokers."""

    enabled: bool = False
    mechanism: Literal["", "plain", "scram-sha256", "scram-sha512", "gssapi", "awsiam", "oauthbearer"] = ""
    username: str = ""
    password: SecretStr = SecretStr("")
    aws_region: str = ""
    oauthbearer_token_url: str = ""
    oauthbearer_scopes: tuple[str, ...] = ()
    service_name: str = ""
    kerberos_config_path: Path | None = None
    realm: str = ""
    kerberos_auth_type: Literal["", "keytabAuth", "userAuth"] = ""
    keytab_path: Path | None = None
    disable_pa_fx_fast: bool = False


class Cluster(Section):
    """One Kafka cluster and what to collect from it."""

    servers: tuple[str, ...] = ("kafka:9092",)
    client_id: str = "kafkascope-exporter"
    labels: Mapping[str, str] = {}
    properties: Mapping[str, str] = {}
    tls: Tls = Tls()
    sasl: Sasl = Sasl()
    topics: Filter = Filter()
    groups: Filter = Filter()
    show_all_offsets: bool = True


class Collect(Section):
    """When and how long to collect; all times in seconds."""

    interval: Annotated[float, Field(gt=0)] = 15.0
    deadline: Annotated[float, Field(gt=0)] = 12.0
    hold: Annotated[float, Field(ge=0)] = 15.0
    staleness: Annotated[float, Field(gt=0)] = 45.0
    on_scrape: bool = False


class ServerTls(Section):
    """HTTPS of the exporter's own listener."""

    enabled: bool = False
    mutual_auth_enabled: bool = False
    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None


class Web(Section):
    """The HTTP listener."""

    listen_host: str = ""
    listen_port: Annotated[int, Field(ge=0, le=65535)] = 9308
    telemetry_path: str = "/metrics"
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
