"""What is known of one flag."""

from dataclasses import dataclass
from typing import Literal

VARIABLE_PREFIX = "KAFKASCOPE_"


@dataclass(frozen=True, slots=True)
class Flag:
    """One flag.

    Attributes:
        name: as on the command line, without the two dashes.
        path: of the setting in the YAML file; empty when it has none.
        value: what stands for the value in the help; empty for a switch (true or false).
        default: as text; empty when there is none.
        help: what it does, in a line or two.
        shape: ``one`` value, a ``list`` (repeated flag; in YAML a sequence), or a ``map``
            (``k=v``; in YAML a mapping).
        secret: whether the value must never be shown.
        fallback: environment variable of danielqsj/kafka_exporter, used when nothing else is given.
    """

    name: str
    path: str
    value: str
    default: str
    help: str
    shape: Literal["one", "list", "map", "lines"] = "one"
    secret: bool = False
    fallback: str = ""

    @property
    def switch(self) -> bool:
        """Whether it is true or false and so needs no value."""
        return not self.value

    @property
    def repeatable(self) -> bool:
        """Whether it may be given several times."""
        return self.shape in {"list", "lines"}

    @property
    def variable(self) -> str:
        """The environment variable that sets it."""
        return VARIABLE_PREFIX + self.name.upper().replace(".", "_").replace("-", "_")


@dataclass(frozen=True, slots=True)
class RetiredFlag:
    """A flag of danielqsj/kafka_exporter that is accepted and has no effect.

    Attributes:
        name: as on the command line, without the two dashes.
        value: as in `Flag`.
        notice: what happens instead, said when somebody gives the flag.
        refused: whether switching it on is an error, with ``notice`` as the reason.
    """

    name: str
    value: str
    notice: str
    refused: bool = False

    @property
    def switch(self) -> bool:
        """Whether it is true or false and so needs no value."""
        return not self.value
