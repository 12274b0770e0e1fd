"""From what was given to finished settings: secrets read, texts understood, all checked."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from kafkascope_exporter.addresses import parse_listen
from kafkascope_exporter.checks import find_notices, find_problems
from kafkascope_exporter.config import Settings
from kafkascope_exporter.flags import BY_NAME, BY_PATH
from kafkascope_exporter.sources import Given, Source

_SECRET_FILES = {
    "sasl.password-file": "sasl.password",
    "tls.key-password-file": "tls.key-password",
}


@dataclass(slots=True)
class Assembly:
    """Settings under construction.

    Attributes:
        given: what is left to use, by the name of the flag.
        settings: the result; where there are problems, without what is wrong.
        problems: each names its origin.
        notices: what the user should know.
        wrong: the flags that have a problem.
    """

    given: dict[str, Given]
    settings: Settings = field(default_factory=Settings)
    problems: list[str] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)
    wrong: set[str] = field(default_factory=set)

    def refuse(self, name: str, message: str) -> None:
        """Note a problem with a setting, and go on without it."""
        item = self.given.pop(name, None)
        self.wrong.add(name)
        self.problems.append(f"{item.origin if item else f'--{name}'}: {message}")


def assemble(given: Mapping[str, Given]) -> Assembly:
    """Build the settings of what was given.

    Args:
        given: by the name of the flag.
    """
    assembly = Assembly(dict(given))
    for file_flag, flag in _SECRET_FILES.items():
        _read_secret(assembly, file_flag, flag)
    _apply_verbosity(assembly)
    _drop_absent_client_certificate(assembly)
    _validate(assembly)
    if "collect.interval" in assembly.wrong:
        # The other times are compared with it.
        assembly.wrong |= {"collect.deadline", "collect.staleness"}
    for finding in find_problems(assembly.settings):
        if finding.flag not in assembly.wrong:
            assembly.refuse(finding.flag, finding.message)
    assembly.notices += find_notices(assembly.settings, assembly.given)
    return assembly


def switched_on(assembly: Assembly, name: str) -> bool:
    """Tell whether a switch that is no part of the settings was given as true."""
    item = assembly.given.pop(name, None)
    if item is None:
        return False
    try:
        return TypeAdapter(bool).validate_python(item.value)
    except ValidationError:
        assembly.problems.append(f"{item.origin}: must be true or false")
        return False


def _read_secret(assembly: Assembly, file_flag: str, flag: str) -> None:
    """Put the text of a secret's file in place of the file, unless a higher source gave one."""
    file, direct = assembly.given.get(file_flag), assembly.given.get(flag)
    if file is None or file.value == "":
        assembly.given.pop(file_flag, None)
        return
    if direct is not None and direct.source is file.source:
        assembly.refuse(file_flag, f"is given beside {direct.origin}; give only one of them")
        return
    del assembly.given[file_flag]
    if direct is not None and direct.source > file.source:
        return
    path = Path(str(file.value))
    # From here on the secret stands for the file, also in what is said about it.
    assembly.given[flag] = Given("", file.origin, file.source)
    try:
        text = path.read_text("utf-8").removesuffix("\n").removesuffix("\r")
    except OSError as error:
        assembly.refuse(flag, f"cannot read {path}: {error.strerror}")
    except ValueError:
        assembly.refuse(flag, f"{path} is not UTF-8 text")
    else:
        assembly.given[flag] = Given(text, file.origin, file.source)
        if not text:
            assembly.refuse(flag, f"{path} is empty")


def _apply_verbosity(assembly: Assembly) -> None:
    item = assembly.given.get("verbosity")
    if item is None:
        return
    text = str(item.value)
    if not (text.isascii() and text.isdigit()):
        assembly.refuse("verbosity", "must be a whole number, 0 or more")
        return
    del assembly.given["verbosity"]
    if int(text) > 0:
        assembly.given.setdefault("log.level", Given("debug", item.origin, item.source))


def _drop_absent_client_certificate(assembly: Assembly) -> None:
    """Go on without a client certificate when neither of its files exists.

    Helm charts for danielqsj/kafka_exporter always give both flags and may mount only a CA file;
    danielqsj/kafka_exporter ignores them then. In our own file it stays an error.
    """
    pair = [assembly.given.get(name) for name in ("tls.cert-file", "tls.key-file")]
    files = [str(item.value) for item in pair if item is not None and item.source is Source.FLAG]
    if len(files) == len(pair) and all(files) and not any(Path(file).exists() for file in files):
        del assembly.given["tls.cert-file"], assembly.given["tls.key-file"]
        assembly.notices.append(
            f"--tls.cert-file, --tls.key-file: neither {files[0]} nor {files[1]} exists:"
            " connecting without a client certificate"
        )


def _validate(assembly: Assembly) -> None:
    """Build the settings; what is wrong is noted and left out, so that the rest is checked too."""
    while True:
        values = dict(_values(assembly))
        try:
            assembly.settings = Settings.model_validate(_nested(values))
        except ValidationError as error:
            wrong = dict(_refusals(error, assembly))
            if not wrong:
                raise
            for name, message in wrong.items():
                assembly.refuse(name, message)
        else:
            return


def _values(assembly: Assembly) -> Iterator[tuple[str, object]]:
    """Give the value of each path in the settings."""
    for name, item in list(assembly.given.items()):
        if name == "web.listen-address":
            try:
                listen = parse_listen(str(item.value))
            except ValueError as error:
                assembly.refuse(name, str(error))
            else:
                yield "web.listen_host", listen.host
                yield "web.listen_port", listen.port
        elif path := BY_NAME[name].path:
            yield path, item.value


def _nested(values: Mapping[str, object]) -> dict[str, Any]:
    tree: dict[str, Any] = {"clusters[0]": {}}
    for path, value in values.items():
        *sections, name = path.split(".")
        section = tree
        for part in sections:
            section = section.setdefault(part, {})
        section[name] = value
    tree["clusters"] = (tree.pop("clusters[0]"),)
    return tree


def _refusals(error: ValidationError, assembly: Assembly) -> Iterator[tuple[str, str]]:
    """Give the name of the flag and the message for each thing that the model refuses."""
    for details in error.errors(include_url=False):
        name = _flag_at(details["loc"])
        if name in assembly.given:
            yield name, _message(details, secret=BY_NAME[name].secret)


def _flag_at(location: tuple[int | str, ...]) -> str:
    """Find the flag of the setting that holds ``location``; empty when there is none."""
    path = ""
    for part in location:
        path += f"[{part}]" if isinstance(part, int) else f".{part}" if path else part
        if flag := BY_PATH.get(path):
            return flag.name
    return ""


def _message(details: ErrorDetails, *, secret: bool) -> str:
    if details["type"] == "value_error":
        return str(details["ctx"]["error"])
    if details["type"] == "string_too_short":
        return "must not be empty"
    # An empty text counts as not given; it is nothing to choose.
    message = details["msg"].replace("Input should", "must").replace("'', ", "")
    if details["type"].startswith("bool"):
        message = "must be true or false"
    return message if secret else f"{message}, not {details['input']!r}"
