from pathlib import Path

import pytest

from kafkascope_exporter.arguments import read_arguments
from kafkascope_exporter.flags import FLAGS, RETIRED_FLAGS, RetiredFlag
from kafkascope_exporter.sources import Raw

STRAY = "is not a flag: every flag starts with --, and a value with blanks needs quotes"


def values(*argv: str) -> dict[str, Raw]:
    """Read arguments that have no problem."""
    reading = read_arguments(argv)
    assert reading.problems == ()
    return {name: item.value for name, item in reading.given.items()}


def problems(*argv: str) -> tuple[str, ...]:
    """Read arguments that have problems."""
    return read_arguments(argv).problems


@pytest.mark.parametrize(
    ("argument", "value"),
    [
        ("--tls.enabled", "true"),
        ("--tls.enabled=true", "true"),
        ("--tls.enabled=false", "false"),
        ("--no-tls.enabled", "false"),
    ],
)
def test_a_switch_is_on_by_its_name_and_off_by_no_or_false(argument: str, value: str) -> None:
    """`--flag=false` is what danielqsj's chart writes, `--no-flag` what Strimzi's launcher does."""
    assert values(argument) == {"tls.enabled": value}


def test_a_value_follows_the_flag_or_an_equals_sign() -> None:
    """Only the first equals sign counts; a value after it may be empty or start with a dash."""
    assert values("--web.listen-address", ":9404", "--sasl.password=-a=b", "--kafka.labels=") == {
        "web.listen-address": ":9404",
        "sasl.password": "-a=b",
        "kafka.labels": "",
    }


def test_a_repeatable_flag_collects_its_values() -> None:
    """The same holds for --kafka.property."""
    assert values("--kafka.server=a", "--kafka.server", "b,c") == {"kafka.server": ["a", "b,c"]}


def test_any_other_flag_given_twice_is_a_problem() -> None:
    """Kingpin refuses it too."""
    assert problems("--log.level=info", "--log.level=debug") == (
        "--log.level: given 2 times; give it once",
    )


@pytest.mark.parametrize(
    ("argument", "nearest"),
    [
        ("--kafka.servers=a", "did you mean --kafka.server?"),
        ("--kafka_server=a", "did you mean --kafka.server?"),
        ("--Topic.Filter=a", "did you mean --topic.filter?"),
        ("--xyzzy", "see --help"),
    ],
)
def test_an_unknown_flag_is_one_line_with_the_nearest_known_one(
    argument: str, nearest: str
) -> None:
    """The value is not repeated: it may be a secret given to a mistyped flag."""
    name = argument.partition("=")[0]
    assert problems(argument) == (f"{name}: unknown flag; {nearest}",)


def test_all_problems_are_told_at_once() -> None:
    """A flag without its value, an unknown one with its value, and a stray argument."""
    found = problems("--kafka.server", "--tls.enabeld", "yes", "stray", "--log.level")

    assert found == (
        "--kafka.server: needs a value; one that starts with - goes as --kafka.server=VALUE",
        "--tls.enabeld: unknown flag; did you mean --tls.enabled?",
        f"the argument after --tls.enabeld {STRAY}",
        "--log.level: needs a value; one that starts with - goes as --log.level=VALUE",
    )


@pytest.mark.parametrize(
    ("argv", "problem"),
    [
        (
            ["localhost:9092"],
            "the first argument is not a flag: name a Kafka server by --kafka.server=HOST:PORT",
        ),
        (["--tls.enabled", "--log.level=debug", "x"], f"the argument after --log.level {STRAY}"),
        (
            ["--tls.enabled", "False"],
            "--tls.enabled: a switch takes its value after an equals sign, or --no- before",
        ),
        (
            ["--kafka.server", "a", "b"],
            (
                "the argument after --kafka.server and its value is not a flag:"
                " give a further value by --kafka.server again"
            ),
        ),
        (["-kafka.server=a"], "-kafka.server: a flag starts with two dashes: --kafka.server"),
    ],
)
def test_an_argument_that_is_not_a_flag_is_one_line_with_the_way_out(
    argv: list[str], problem: str
) -> None:
    """The usual slips: a bare address, a switch's value after a blank, and one dash."""
    assert problems(*argv) == (problem,)


@pytest.mark.parametrize(
    "argv",
    [
        ["--sasl.pasword", "hunter2"],
        ["--sasl.pasword=hunter2"],
        ["--sasl.password", "my", "hunter2"],
        ["--sasl.password", "--hunter2"],
        ["--sasl.password", "-hunter2"],
        ["--sasl.password", "hunter2", "--sasl.password", "hunter2"],
        ["--sasl.enabled", "hunter2"],
        ["--sasl.password", "my", "-hunter2"],
        ["hunter2"],
    ],
)
def test_no_problem_repeats_what_may_be_a_secret(argv: list[str]) -> None:
    """Wherever a slip of the fingers puts the password."""
    found = problems(*argv)

    assert found
    assert "hunter2" not in "\n".join(found)


def test_a_file_of_arguments_stands_for_its_lines(tmp_path: Path) -> None:
    """Kingpin has this too; comments and empty lines are left out, a value keeps its blanks."""
    file = tmp_path / "arguments"
    file.write_text("# secret\n\n--sasl.password=hunter 2\n--kafka.server\na:9092\n")

    assert values("--tls.enabled", f"@{file}", "--kafka.server=b") == {
        "tls.enabled": "true",
        "sasl.password": "hunter 2",
        "kafka.server": ["a:9092", "b"],
    }


def test_a_file_of_arguments_that_cannot_be_read_is_a_problem(tmp_path: Path) -> None:
    """So are one that is not text and one that includes itself."""
    binary, loop = tmp_path / "binary", tmp_path / "loop"
    binary.write_bytes(b"\xff")
    loop.write_text(f"@{loop}")

    assert problems(f"@{tmp_path}/none", f"@{binary}", f"@{loop}") == (
        f"@{tmp_path}/none: cannot read the arguments file: No such file or directory",
        f"@{binary}: the arguments file is not UTF-8 text",
        f"@{loop}: this arguments file is used twice",
    )


def test_a_value_that_starts_with_an_at_sign_is_no_file() -> None:
    """A password may start with one."""
    assert values("--sasl.password", "@hunter2") == {"sasl.password": "@hunter2"}


@pytest.mark.parametrize("flag", RETIRED_FLAGS, ids=lambda flag: flag.name)
def test_a_flag_without_effect_says_what_happens_instead(flag: RetiredFlag) -> None:
    """Only when it is given, and in one line; one that cannot be switched on may be off."""
    reading = read_arguments([f"--{flag.name}={'false' if flag.switch else '1'}"])

    notice = f"--{flag.name} has no effect: {flag.notice}"
    assert (reading.given, reading.problems) == ({}, ())
    assert reading.notices == (() if flag.refused else (notice,))


def test_offsets_in_zookeeper_are_refused_with_the_reason() -> None:
    """Ignoring this flag would lose the metrics that the user asks for."""
    (problem,) = problems("--use.consumelag.zookeeper")

    assert problem.startswith("--use.consumelag.zookeeper: not possible: ")
    assert problem.endswith("Kafka 4 has no ZooKeeper")


def test_help_explains_every_flag(capsys: pytest.CaptureFixture[str]) -> None:
    """Ours under their headings, and danielqsj's that have no effect any more."""
    with pytest.raises(SystemExit) as raised:
        read_arguments(["--bogus", "-h"])

    printed = capsys.readouterr().out
    assert raised.value.code == 0
    names = [flag.name for flag in FLAGS] + [flag.name for flag in RETIRED_FLAGS]
    assert [name for name in names if name not in printed] == []
    assert max(map(len, printed.splitlines())) <= 100
    assert "\n  --check-config\n" in printed
    assert "\n  --[no-]offset.show-all\n" in printed


def test_help_ends_with_what_has_no_effect_and_what_is_refused(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Whoever reads from the top meets what works first."""
    with pytest.raises(SystemExit):
        read_arguments(["--help"])

    parts = capsys.readouterr().out.split("\n\n")
    headings = [part.splitlines()[0] for part in parts]
    assert headings[-3] == "Help:"
    assert headings[-2].startswith("Accepted from danielqsj/kafka_exporter, without effect")
    assert headings[-1].startswith("Refused")
    assert [flag.name in parts[-1] for flag in RETIRED_FLAGS] == [f.refused for f in RETIRED_FLAGS]


def test_version_names_the_clients_too(capsys: pytest.CaptureFixture[str]) -> None:
    """A bug report needs all of them."""
    with pytest.raises(SystemExit) as raised:
        read_arguments(["--version"])

    printed = capsys.readouterr().out
    assert raised.value.code == 0
    assert printed.startswith("kafkascope-exporter ")
    assert "confluent-kafka" in printed
    assert "kafka-python" in printed
