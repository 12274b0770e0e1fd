from pathlib import Path

import pytest

from kafkascope_exporter.configfile import read_file
from kafkascope_exporter.flags import BY_PATH
from kafkascope_exporter.sources import Raw, Reading

MECHANISM = "; did you mean clusters[0].sasl.mechanism?"


def read(directory: Path, text: str) -> Reading:
    """Read ``text`` as the file ``f``."""
    file = directory / "f"
    file.write_text(text)
    return read_file(file, "--config.file")


def values(directory: Path, text: str) -> dict[str, Raw]:
    """Read ``text``, which has no problem."""
    reading = read(directory, text)
    assert reading.problems == ()
    return {name: item.value for name, item in reading.given.items()}


def problems(directory: Path, text: str) -> list[str]:
    """Read ``text``, which has problems; without the name of the directory."""
    return [problem.replace(f"{directory}/", "") for problem in read(directory, text).problems]


def test_every_setting_can_be_given_and_knows_its_line(tmp_path: Path) -> None:
    """One line for each path of the table, in a file without structure problems."""
    sections: dict[str, list[str]] = {}
    for path in BY_PATH:
        section, _, name = path.rpartition(".")
        sections.setdefault(section, []).append(name)
    cluster = {name: names for name, names in sections.items() if name.startswith("clusters[0]")}
    lines = ["clusters:", "- {}".format("&cluster")]
    for section, names in cluster.items():
        part = section.removeprefix("clusters[0]").lstrip(".")
        lines += [f"  {part}:"] * bool(part)
        lines += [f"  {'  ' * bool(part)}{name}: x" for name in names]
    for section in sections.keys() - cluster.keys() - {"web.tls"}:
        lines += [f"{section}:", *(f"  {name}: x" for name in sections[section])]
        lines += ["  tls:", *(f"    {name}: x" for name in sections["web.tls"])] * (
            section == "web"
        )

    reading = read(tmp_path, "\n".join(lines))

    assert reading.problems == ()
    assert set(reading.given) == {flag.name for flag in BY_PATH.values()}
    for flag in BY_PATH.values():
        file, line, path = reading.given[flag.name].origin.split(":", 2)
        assert (file, path) == (str(tmp_path / "f"), f" {flag.path}")
        assert lines[int(line) - 1].strip() == f"{flag.path.rpartition('.')[2]}: x"


def test_a_value_stays_the_text_that_was_written(tmp_path: Path) -> None:
    """YAML would make octal 83, True and 1.1 of these."""
    text = """
clusters:
  - servers: [0123, "b:9092"]
    labels: {version: 1.10, on: yes}
    sasl: {password: 0123, enabled: on}
"""
    assert values(tmp_path, text) == {
        "kafka.server": ["0123", "b:9092"],
        "kafka.labels": {"version": "1.10", "on": "yes"},
        "sasl.password": "0123",
        "sasl.enabled": "on",
    }


def test_lists_and_mappings_may_be_written_as_in_a_flag(tmp_path: Path) -> None:
    """The text of the flag is understood too."""
    text = "clusters: [{servers: 'a,b', labels: 'x=y'}]"

    assert values(tmp_path, text) == {"kafka.server": "a,b", "kafka.labels": "x=y"}


@pytest.mark.parametrize("text", ["", "# nothing\n", "---\n", "web:\ncollect: ~\nlog: {level: }"])
def test_what_is_empty_gives_nothing(tmp_path: Path, text: str) -> None:
    """A section whose lines are all commented out is no mistake."""
    assert values(tmp_path, text) == {}


def test_every_problem_is_told_with_its_line(tmp_path: Path) -> None:
    """Unknown names come with the nearest known one."""
    text = """\
web:
  listen_adress: ":1"
collect: 5
log:
  level: [info]
  level: info
  format: !yaml x
  ? [a]
  : b
clusters:
  servers: a
colour: x
"""
    assert problems(tmp_path, text) == [
        "f:2: web.listen_adress: unknown setting; did you mean web.listen_address?",
        "f:3: collect: must be a mapping of names to values",
        "f:5: log.level: must be a single value, not a list",
        "f:6: log.level: is there already, on line 5",
        "f:7: log.format: a value cannot have a YAML tag; put it in quotes",
        "f:8: log: a name must be plain text",
        "f:11: clusters: must be a list of one cluster",
        "f:12: colour: unknown setting",
    ]


@pytest.mark.parametrize(
    ("text", "unknown", "advice"),
    [
        ("clusters: [{server: a}]", "clusters[0].server", "; did you mean clusters[0].servers?"),
        ("clusters: [{mechanism: a}]", "clusters[0].mechanism", MECHANISM),
        ("clusters: [{sasl.mechanism2: a}]", "clusters[0].sasl.mechanism2", ""),
        ("clusters: [{x: a}]", "clusters[0].x", ""),
        ("clusters: [{tls: {x: a}}]", "clusters[0].tls.x", ""),
        ("clusters: [{cert_file: a}]", "clusters[0].cert_file", ""),
        ("cluster: [{}]", "cluster", "; did you mean clusters?"),
        ("kafka.server: a", "kafka.server", "; did you mean clusters[0].servers?"),
        ("servers: a", "servers", "; did you mean clusters[0].servers?"),
        ("check-config: a", "check-config", ""),
    ],
)
def test_an_unknown_name_is_told_with_the_setting_that_was_meant(
    tmp_path: Path, text: str, unknown: str, advice: str
) -> None:
    """One like it in that section, or one of that name, or flag, elsewhere; else there is none."""
    assert problems(tmp_path, text) == [f"f:1: {unknown}: unknown setting{advice}"]


@pytest.mark.parametrize(("text", "found"), [("[]", 0), ("[{}, {servers: b}]", 2)])
def test_there_is_exactly_one_cluster(tmp_path: Path, text: str, found: int) -> None:
    """Several come in a later version; until then a second one must not be ignored."""
    assert problems(tmp_path, f"clusters: {text}") == [
        f"f:1: clusters: must hold exactly one cluster, found {found}"
    ]


@pytest.mark.parametrize("text", ["- a", "a", "clusters: [a]"])
def test_a_file_of_another_shape_is_a_problem(tmp_path: Path, text: str) -> None:
    """Such as a list or a single word."""
    (problem,) = problems(tmp_path, text)

    assert problem.startswith("f:1: ")
    assert problem.endswith("must be a mapping of names to values")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a: b: hunter2", "f:1: is not YAML: mapping values are not allowed here"),
        ("a:\n\tb: hunter2", "f:2: is not YAML: found character '\\t' that cannot start any token"),
        ("a: *hunter2", "f:1: is not YAML: a value that starts with * needs quotes"),
        ("a: 'hunter2", "f:1: is not YAML: found unexpected end of stream"),
        ("a: 1\n---\nhunter2: 2", "f:2: is not YAML: there is a second document"),
        ("a: \x01", "f: is not YAML: it holds a character that YAML does not allow"),
    ],
)
def test_a_file_that_is_not_yaml_is_a_problem_without_its_content(
    tmp_path: Path, text: str, problem: str
) -> None:
    """The line that cannot be read may be the one with the password."""
    assert problems(tmp_path, text) == [problem]


def test_a_recursive_file_is_a_problem(tmp_path: Path) -> None:
    """An alias inside its own anchor has no end."""
    assert problems(tmp_path, "web: &web\n  tls: *web\n") == ["f:2: web.tls.tls: unknown setting"]


def test_a_file_that_cannot_be_read_is_a_problem_of_the_flag(tmp_path: Path) -> None:
    """Missing, a directory, not text."""
    binary = tmp_path / "binary"
    binary.write_bytes(b"\xff")

    found = [read_file(file, "X").problems for file in (tmp_path / "none", tmp_path, binary)]

    assert found == [
        (f"X: cannot read {tmp_path}/none: No such file or directory",),
        (f"X: cannot read {tmp_path}: Is a directory",),
        (f"X: {binary} is not UTF-8 text",),
    ]
