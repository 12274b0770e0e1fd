"""Which parts a local demo has, at which addresses: decided once, and kept in ``stack.json``."""

import json
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final, Self

from kafkascope_demo.addresses import Addresses, TraceBackend
from kafkascope_demo.alertrules import RuleValues
from kafkascope_demo.localkafka import LocalKafkaError
from kafkascope_demo.localkafka.ports import free_ports, taken

FILE: Final = "stack.json"
HOST: Final = "127.0.0.1"
_PORTS: Final = {
    "exporter": 9308,
    "producer": 8080,
    "consumer-1": 8081,
    "consumer-2": 8082,
    "locust": 8089,
    "otlp-receiver": 4318,
    "prometheus": 9090,
}


@dataclass(frozen=True, slots=True)
class Plan:
    """A local demo.

    Args:
        bootstrap_servers: Of its brokers.
        ports: By the part's name; without ``prometheus`` where there is none.
        socket: Unix socket of what keeps the parts up; its path has to be short.
        load: Whether Locust begins its load by itself.
        rules: Values of the alert rules; those for tests fire within seconds, and Prometheus
            scrapes every two seconds then.
    """

    bootstrap_servers: str
    ports: dict[str, int]
    socket: str
    load: bool = True
    rules: RuleValues = "default"

    def url(self, part: str) -> str:
        """Give a part's address."""
        return f"http://{HOST}:{self.ports[part]}"

    def addresses(self) -> Addresses:
        """Give what the verifier and the scenarios need."""
        return Addresses(
            bootstrap_servers=self.bootstrap_servers,
            exporter=self.url("exporter"),
            producer=self.url("producer"),
            consumers=tuple(self.url(name) for name in self.ports if name.startswith("consumer")),
            locust=self.url("locust"),
            prometheus=self.url("prometheus") if "prometheus" in self.ports else None,
            traces=TraceBackend("receiver", self.url("otlp-receiver")),
            rules=self.rules if "prometheus" in self.ports else None,
            load=self.load,
        )

    def write(self, directory: Path) -> None:
        """Keep it for other processes."""
        written = directory / f"{FILE}.new"
        written.write_text(json.dumps(asdict(self), indent=2), encoding="utf-8")
        written.replace(directory / FILE)

    @classmethod
    def read(cls, directory: Path) -> Self:
        """Give the plan of the demo in a directory.

        Raises:
            LocalKafkaError: None runs there, or its plan cannot be read.
        """
        try:
            return cls(**json.loads((directory / FILE).read_text(encoding="utf-8")))
        except FileNotFoundError as error:
            raise LocalKafkaError(
                f"no demo runs in {directory}; start one with: kafkascope-demo up, or make run"
            ) from error
        except (ValueError, TypeError) as error:
            raise LocalKafkaError(
                f"{directory / FILE} is not of this version: kafkascope-demo down, then up"
            ) from error


def choose_ports() -> tuple[dict[str, int], list[str]]:
    """Choose a port for each part: its own, or a free one where another program has that.

    Returns:
        The ports, and a line about each that is not the part's own.

    Raises:
        LocalKafkaError: There are no free ports.
    """
    ports, moved = {}, []
    for name, free in any_ports().items():
        own = _PORTS[name]
        ports[name] = free if taken(own) else own
        if ports[name] != own:
            moved.append(f"another program listens on {own}: {name} takes {free}")
    return ports, moved


def any_ports() -> dict[str, int]:
    """Choose any free port for each part.

    Raises:
        LocalKafkaError: There are none.
    """
    names = [name for name in _PORTS if name != "prometheus" or shutil.which("prometheus")]
    return dict(zip(names, free_ports(len(names)), strict=True))
