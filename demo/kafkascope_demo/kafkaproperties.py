"""Files of librdkafka's properties: ``name=value`` in each line, ``#`` begins a comment."""

from pathlib import Path


def read_properties(path: Path) -> dict[str, str]:
    """Read a file of properties.

    Args:
        path: Of the file, in UTF-8.

    Raises:
        OSError: It cannot be read.
        ValueError: A line has no ``=``, or this is no text.
    """
    properties = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        name, equals, value = text.partition("=")
        if not equals:
            raise ValueError(f"line {number} is not name=value")
        properties[name.strip()] = value.strip()
    return properties
