"""Reads settings from environment variables; each error names the variable and what it takes."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from kafkascope_demo.kafkaproperties import read_properties

Choice = TypeVar("Choice", bound=str)


class SettingError(Exception):
    """A variable holds what it cannot.

    Args:
        name: Of the variable.
        value: What it holds.
        expected: What it takes.
    """

    def __init__(self, name: str, value: str, expected: str) -> None:
        super().__init__(f"{name}={value}: {expected}")


class Environment:
    """Variables, read one by one. A variable that is empty counts as one that is not set.

    Args:
        variables: Usually ``os.environ``.
    """

    def __init__(self, variables: Mapping[str, str]) -> None:
        self._variables = variables

    def text(self, name: str, default: str) -> str:
        """Give a text."""
        return self._variables.get(name, "").strip() or default

    def choice(self, name: str, choices: Sequence[Choice], default: Choice) -> Choice:
        """Give one of some words.

        Raises:
            SettingError: It is another one.
        """
        text = self.text(name, default)
        for choice in choices:
            if choice == text:
                return choice
        raise SettingError(name, text, f"expected one of {', '.join(choices)}")

    def switch(self, name: str, *, default: bool) -> bool:
        """Give ``on`` or ``off`` as a bool.

        Raises:
            SettingError: It is neither.
        """
        return self.choice(name, ("on", "off"), "on" if default else "off") == "on"

    def whole(self, name: str, default: int, *, least: int, most: int) -> int:
        """Give a whole number.

        Raises:
            SettingError: It is none, or out of bounds.
        """
        text = self.text(name, str(default))
        if text.isdecimal() and text.isascii() and least <= int(text) <= most:
            return int(text)
        raise SettingError(name, text, f"expected a whole number from {least} to {most}")

    def kafka(self) -> dict[str, str]:
        """Give librdkafka's properties to connect with, bootstrap servers among them.

        ``KAFKA_PROPERTIES_FILE`` may name them, too; ``KAFKA_BOOTSTRAP_SERVERS`` counts more.

        Raises:
            SettingError: The file cannot be read.
        """
        properties = {"bootstrap.servers": "localhost:9092"}
        path = self.text("KAFKA_PROPERTIES_FILE", "")
        if path:
            try:
                properties |= read_properties(Path(path))
            except (OSError, ValueError) as error:
                why = error.strerror if isinstance(error, OSError) else str(error)
                raise SettingError("KAFKA_PROPERTIES_FILE", path, f"{why}") from error
        servers = self.text("KAFKA_BOOTSTRAP_SERVERS", "")
        return properties | ({"bootstrap.servers": servers} if servers else {})
