"""Further librdkafka properties of ``--kafka.property``: which are ours, and which are secret."""

import re
from collections.abc import Iterator, Mapping

_SECRET = re.compile(r"password|secret|\.key\.pem$|ssl\.key$|jaas\.config$|token$")
_NO_GROUP = "the exporter never joins a consumer group"
_TLS = "use the --tls flags"
_SASL = "use the --sasl flags"

# Property -> why it cannot be given, or what to use instead.
_OWNED = {
    "allow.auto.create.topics": "the exporter never creates a topic",
    "auto.offset.reset": "the exporter reads no records",
    "bootstrap.servers": "use --kafka.server",
    "client.id": "use --kafka.client-id",
    "enable.auto.commit": _NO_GROUP,
    "enable.auto.offset.store": _NO_GROUP,
    "enable.ssl.certificate.verification": "use --tls.insecure-skip-tls-verify",
    "group.id": _NO_GROUP,
    "group.instance.id": _NO_GROUP,
    "group.protocol": _NO_GROUP,
    "isolation.level": "offsets are those of the high watermark, as in danielqsj/kafka_exporter",
    "metadata.broker.list": "use --kafka.server",
    "sasl.jaas.config": "that is Java's; use the --sasl flags",
    "sasl.kerberos.keytab": "use --sasl.keytab-path",
    "sasl.kerberos.principal": "use --sasl.username and --sasl.realm",
    "sasl.kerberos.service.name": "use --sasl.service-name",
    "sasl.mechanism": "use --sasl.mechanism",
    "sasl.mechanisms": "use --sasl.mechanism",
    "sasl.oauthbearer.client.id": "use --sasl.username",
    "sasl.oauthbearer.client.secret": "use --sasl.password-file",
    "sasl.oauthbearer.config": _SASL,
    "sasl.oauthbearer.method": _SASL,
    "sasl.oauthbearer.scope": "use --sasl.oauthbearer-scopes",
    "sasl.oauthbearer.token.endpoint.url": "use --sasl.oauthbearer-token-url",
    "sasl.password": "use --sasl.password-file",
    "sasl.username": "use --sasl.username",
    "security.protocol": "use --tls.enabled and --sasl.enabled",
    "ssl.ca.location": "use --tls.ca-file",
    "ssl.certificate.location": "use --tls.cert-file",
    "ssl.key.location": "use --tls.key-file",
    "ssl.key.password": "use --tls.key-password-file",
    "ssl.keystore.location": _TLS,
    "ssl.keystore.password": _TLS,
}


class Properties(Mapping[str, str]):
    """Properties by name: immutable, and shows no value that looks like a secret.

    Args:
        values: value by property name.

    Raises:
        ValueError: a property is one that the exporter sets itself; the message names the flag.
    """

    __slots__ = ("_values",)

    def __init__(self, values: Mapping[str, str]) -> None:
        for name in values:
            _refuse_owned(name)
        self._values = dict(values)

    def __getitem__(self, name: str) -> str:
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return f"Properties({self.redacted()})"

    def redacted(self) -> dict[str, str]:
        """Give the properties fit to be shown: stars in place of each secret."""
        return {
            name: "**********" if _SECRET.search(name) else value for name, value in self.items()
        }


def parse_properties(lines: list[str]) -> Properties:
    """Read one ``key=value`` per line.

    Raises:
        ValueError: a line has no ``=`` or no key, or a property is given twice or is one of ours.
            The message never shows a value.
    """
    values: dict[str, str] = {}
    for line in lines:
        name, equals, value = line.partition("=")
        name = name.strip()
        if not equals or not name:
            raise ValueError("must be key=value, one property each")
        if name in values:
            raise ValueError(f"property {name!r} is given twice")
        values[name] = value.strip()
    return Properties(values)


def _refuse_owned(name: str) -> None:
    if name.endswith("_cb"):
        raise ValueError(f"property {name!r} is a callback and cannot be given as text")
    if reason := _OWNED.get(name):
        raise ValueError(f"property {name!r} is set by the exporter: {reason}")
