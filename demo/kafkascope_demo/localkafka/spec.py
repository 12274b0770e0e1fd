"""What a local cluster is to be: nodes, version, listener, security."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, Final, Self

from kafkascope_demo.localkafka.errors import LocalKafkaError

DEFAULT_VERSION: Final = "4.3.1"
LISTENERS: Final = ("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL")
SASL_MECHANISMS: Final = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER")
MODES: Final = ("kraft", "zookeeper")
MAX_NODES: Final = 5
_VERSION: Final = re.compile(r"(0\.)?\d+\.\d+\.\d+")
_FIRST_KRAFT: Final = (3, 3)
_FIRST_KRAFT_ONLY: Final = (4, 0)
# ZooKeeper 3.4.13 and 3.4.14 take apart the text of an address, which Java 14 changed
# (ZOOKEEPER-3779); these brokers then find no ZooKeeper, and end.
_FIRST_WITHOUT_ADDRESSES: Final = (2, 0)
_FIRST_WITH_ADDRESSES_AGAIN: Final = (2, 4)
_LAST_PORT: Final = 65_535 - MAX_NODES


@dataclasses.dataclass(frozen=True, slots=True)
class ClusterSpec:
    """A local cluster's specification.

    Args:
        nodes: Brokers, 1 to 5, numbered from 1. In KRaft mode each is a controller as well.
        version: Kafka's version, such as ``4.3.1`` or ``3.9.1``; from 0.10.2 on.
        listener: Security protocol of the listener for clients.
        sasl_mechanism: The listener's only SASL mechanism; ``PLAIN`` when the listener is a SASL
            one and nothing is said.
        client_auth: Whether a TLS listener demands a client certificate.
        acls: Whether requests are authorised; ``admin`` may do everything, other users nothing
            until it is granted. Needs a listener that authenticates its clients.
        heap: Heap size of each broker in Java's notation (``256m``, ``1g``).
        first_port: Port of broker 1, the others take the ports after it; free ports when None.
        properties: More server properties, which win over ours.
        mode: ``kraft``, from 3.3 on, or ``zookeeper``, before 4.0.

    Raises:
        LocalKafkaError: A value, or a combination of values, that cannot be.
    """

    nodes: int = 3
    version: str = DEFAULT_VERSION
    listener: str = "PLAINTEXT"
    sasl_mechanism: str | None = None
    client_auth: bool = False
    acls: bool = False
    heap: str = "256m"
    first_port: int | None = None
    properties: Mapping[str, str] = dataclasses.field(default_factory=dict)
    mode: str = "kraft"

    def __post_init__(self) -> None:
        if self.sasl and self.sasl_mechanism is None:
            object.__setattr__(self, "sasl_mechanism", "PLAIN")
        object.__setattr__(self, "properties", MappingProxyType(dict(self.properties)))
        problems = list(self._problems())
        if problems:
            raise LocalKafkaError("; ".join(problems))

    def __hash__(self) -> int:
        return hash(
            (self.listener, self.version, self.nodes, tuple(sorted(self.properties.items())))
        )

    @property
    def tls(self) -> bool:
        """Whether the listener encrypts."""
        return self.listener in {"SSL", "SASL_SSL"}

    @property
    def sasl(self) -> bool:
        """Whether the listener authenticates by SASL."""
        return self.listener in {"SASL_PLAINTEXT", "SASL_SSL"}

    @property
    def release(self) -> tuple[int, ...]:
        """The version as numbers, for comparisons."""
        return tuple(int(number) for number in self.version.split("."))

    def to_json(self) -> dict[str, Any]:
        """The fields as JSON values."""
        fields = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        return fields | {"properties": dict(self.properties)}

    @classmethod
    def from_json(cls, fields: Mapping[str, Any]) -> Self:
        """Read what ``to_json`` wrote."""
        return cls(**fields)

    def _problems(self) -> list[str]:
        mode = self._bad_mode() if _VERSION.fullmatch(self.version) else ()
        return [*self._bad_values(), *self._bad_combinations(), *mode]

    def _bad_values(self) -> Iterator[str]:
        if not 1 <= self.nodes <= MAX_NODES:
            yield f"nodes must be 1 to {MAX_NODES}, not {self.nodes}"
        if _VERSION.fullmatch(self.version) is None:
            yield f"version must look like {DEFAULT_VERSION}, not {self.version!r}"
        if re.fullmatch(r"\d+[kKmMgG]", self.heap) is None:
            yield f"heap must look like 256m or 1g, not {self.heap!r}"
        if self.first_port is not None and not 1 <= self.first_port <= _LAST_PORT:
            yield f"first port must be 1 to {_LAST_PORT}, not {self.first_port}"
        choices = [
            ("listener", self.listener, LISTENERS),
            ("SASL mechanism", self.sasl_mechanism or SASL_MECHANISMS[0], SASL_MECHANISMS),
            ("mode", self.mode, MODES),
        ]
        for name, value, allowed in choices:
            if value not in allowed:
                yield f"{name} must be one of {', '.join(allowed)}, not {value!r}"

    def _bad_combinations(self) -> Iterator[str]:
        if self.sasl_mechanism is not None and not self.sasl:
            yield f"a SASL mechanism needs a SASL listener, not {self.listener}"
        if self.client_auth and not self.tls:
            yield f"client certificates need a listener SSL or SASL_SSL, not {self.listener}"
        if self.acls and not (self.sasl or (self.tls and self.client_auth)):
            yield "ACLs need a listener that authenticates: SASL, or SSL with client certificates"
        if self.mode == "zookeeper" and (self.sasl_mechanism or "").startswith("SCRAM"):
            yield "SCRAM needs KRaft mode, whose storage is formatted with the users"

    def _bad_mode(self) -> Iterator[str]:
        if self.mode == "kraft" and self.release < _FIRST_KRAFT:
            yield f"KRaft mode began with Kafka 3.3; {self.version} needs the mode zookeeper"
        if self.mode == "zookeeper" and self.release >= _FIRST_KRAFT_ONLY:
            yield f"ZooKeeper mode ended with Kafka 3.9; {self.version} is KRaft only"
        if _FIRST_WITHOUT_ADDRESSES <= self.release < _FIRST_WITH_ADDRESSES_AGAIN:
            yield (
                f"Kafka 2.0 to 2.3 cannot be started: their ZooKeeper client needs a Java before"
                f" 14, and {self.version} would get Java 21"
            )
