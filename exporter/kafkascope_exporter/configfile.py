"""Settings from the YAML file of ``--config.file``, each with the line where it stands.

The file is walked as YAML nodes: they know their lines, and every value stays the text that was
written, so that a password of digits or a version stays what it is.
"""

from collections.abc import Iterator
from difflib import get_close_matches
from pathlib import Path

import yaml

from kafkascope_exporter.flags import BY_NAME, BY_PATH, Flag
from kafkascope_exporter.sources import Given, Raw, Reading, Source

_NULL = "tag:yaml.org,2002:null"
_STANDARD = "tag:yaml.org,2002:"
_SECTIONS = frozenset(
    path[:end] for path in BY_PATH for end, character in enumerate(path) if character in ".["
)
_PATHS = (*BY_PATH, *_SECTIONS)


def read_file(path: Path, origin: str) -> Reading:
    """Read the settings that a YAML file gives.

    Args:
        path: the file.
        origin: the flag or environment variable that named it.
    """
    try:
        text = path.read_text("utf-8")
    except OSError as error:
        return Reading(problems=(f"{origin}: cannot read {path}: {error.strerror}",))
    except ValueError:
        return Reading(problems=(f"{origin}: {path} is not UTF-8 text",))
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        return Reading(problems=(f"{path}{_syntax(error)}",))
    walk = _Walk(path)
    if root is not None:
        walk.section("", root)
    return Reading(walk.given, tuple(walk.problems))


def _syntax(error: yaml.YAMLError) -> str:
    """Say what is wrong and where, without any of the file's content: it may be a secret."""
    if not isinstance(error, yaml.MarkedYAMLError) or error.problem_mark is None:
        return ": is not YAML: it holds a character that YAML does not allow"
    problem = str(error.problem)
    if "alias" in problem:
        problem = "a value that starts with * needs quotes"
    elif "another document" in problem:
        problem = "there is a second document"
    return f":{error.problem_mark.line + 1}: is not YAML: {problem}"


class _Walk:
    """Collects what the nodes of one file give, and every problem on the way."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self.given: dict[str, Given] = {}
        self.problems: list[str] = []

    def section(self, path: str, node: yaml.Node) -> None:
        """Read a mapping whose keys are names of settings or of further sections."""
        if node.tag == _NULL:
            return
        if path == "clusters":
            self._clusters(node)
            return
        for key, value in self._items(path, node):
            child = f"{path}.{key.value}" if path else key.value
            if flag := BY_PATH.get(child):
                self._setting(flag, value)
            elif child in _SECTIONS:
                self.section(child, value)
            else:
                self._problem(key, child, f"unknown setting{_nearest(path, key.value)}")

    def _clusters(self, node: yaml.Node) -> None:
        if not isinstance(node, yaml.SequenceNode):
            self._problem(node, "clusters", "must be a list of one cluster")
            return
        if len(node.value) != 1:
            found = len(node.value)
            self._problem(node, "clusters", f"must hold exactly one cluster, found {found}")
        if node.value:
            self.section("clusters[0]", node.value[0])

    def _setting(self, flag: Flag, node: yaml.Node) -> None:
        value = self._value(flag, node)
        if value is not None:
            origin = f"{self._file}:{node.start_mark.line + 1}: {flag.path}"
            self.given[flag.name] = Given(value, origin, Source.FILE)

    def _value(self, flag: Flag, node: yaml.Node) -> Raw | None:
        if node.tag == _NULL:
            return None
        if isinstance(node, yaml.SequenceNode) and flag.shape == "list":
            items = [self._text(flag.path, item) for item in node.value]
            return [item for item in items if item is not None]
        if isinstance(node, yaml.MappingNode) and flag.shape in {"map", "lines"}:
            pairs = (
                (key.value, self._text(flag.path, item)) for key, item in self._items("", node)
            )
            return {key: item for key, item in pairs if item is not None}
        return self._text(flag.path, node)

    def _text(self, path: str, node: yaml.Node) -> str | None:
        if not isinstance(node, yaml.ScalarNode):
            kind = "list" if isinstance(node, yaml.SequenceNode) else "mapping"
            self._problem(node, path, f"must be a single value, not a {kind}")
        elif not node.tag.startswith(_STANDARD):
            self._problem(node, path, "a value cannot have a YAML tag; put it in quotes")
        else:
            return str(node.value)
        return None

    def _items(self, path: str, node: yaml.Node) -> Iterator[tuple[yaml.ScalarNode, yaml.Node]]:
        """Give the keys of a mapping, each once."""
        if not isinstance(node, yaml.MappingNode):
            self._problem(node, path, "must be a mapping of names to values")
            return
        lines: dict[str, int] = {}
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                self._problem(key, path, "a name must be plain text")
            elif key.value in lines:
                first = lines[key.value]
                child = f"{path}.{key.value}".lstrip(".")
                self._problem(key, child, f"is there already, on line {first}")
            else:
                lines[key.value] = key.start_mark.line + 1
                yield key, value

    def _problem(self, node: yaml.Node, path: str, message: str) -> None:
        place = f"{path}: " if path else ""
        self.problems.append(f"{self._file}:{node.start_mark.line + 1}: {place}{message}")


def _nearest(section: str, name: str) -> str:
    """Give the setting that was meant: one of the section, or of that name or flag elsewhere."""
    beside = {
        path.rpartition(".")[2]: path for path in _PATHS if path.rpartition(".")[0] == section
    }
    elsewhere = [path for path in _PATHS if path.rpartition(".")[2] == name]
    if close := get_close_matches(name, beside, n=1, cutoff=0.75):
        meant = beside[close[0]]
    elif name in BY_NAME and BY_NAME[name].path:
        meant = BY_NAME[name].path
    elif len(elsewhere) == 1:
        (meant,) = elsewhere
    else:
        return ""
    return f"; did you mean {meant}?"
