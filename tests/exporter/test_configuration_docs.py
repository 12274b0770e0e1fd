import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from kafkascope_demo.localkafka.certificates import Authority
from kafkascope_exporter.cli import ConfigError, parse
from kafkascope_exporter.durations import format_duration
from kafkascope_exporter.flags import BY_HEADING, FLAGS, RETIRED_FLAGS, Flag

DOCS = Path(__file__).parents[2] / "docs"
BLOCK = re.compile(r"(?<=<!-- flags -->\n).*(?=<!-- end of flags -->)", re.DOTALL)

# Every flag that danielqsj/kafka_exporter has had, from its README and source.
DANIELQSJ = re.findall(
    r"\S+",
    """
    kafka.server kafka.version kafka.labels kafka.allow-auto-topic-creation
    sasl.enabled sasl.handshake sasl.username sasl.password sasl.mechanism sasl.aws-region
    sasl.oauthbearer-token-url sasl.oauthbearer-scopes sasl.service-name
    sasl.kerberos-config-path sasl.realm sasl.keytab-path sasl.kerberos-auth-type
    sasl.disable-PA-FX-FAST
    tls.enabled tls.server-name tls.ca-file tls.cert-file tls.key-file
    tls.insecure-skip-tls-verify
    server.tls.enabled server.tls.mutual-auth-enabled server.tls.ca-file server.tls.cert-file
    server.tls.key-file
    topic.filter topic.exclude group.filter group.exclude
    web.listen-address web.telemetry-path use.consumelag.zookeeper zookeeper.server
    refresh.metadata offset.show-all concurrent.enable topic.workers group.workers
    group.metrics.timeout log.enable-sarama verbosity log.level log.format
    """,
)

DEFAULTS = {
    "kafka.server": "kafka:9092",
    "topic.filter": ".*",
    "topic.exclude": "^$",
    "group.filter": ".*",
    "group.exclude": "^$",
    "web.listen-address": ":9308",
    "web.telemetry-path": "/metrics",
    "offset.show-all": "true",
    "verbosity": "0",
    "log.level": "info",
    "log.format": "logfmt",
}


def row(flag: Flag) -> str:
    """Give the line of the table about one flag."""
    variable = f"`{flag.variable}`" + (f", else `{flag.fallback}`" if flag.fallback else "")
    path = f"`{flag.path}`" if flag.path else ""
    default = f"`{flag.default}`" if flag.default else ""
    cells = (f"`--{flag.name}`", variable, path, default, flag.help)
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def tables() -> Iterator[str]:
    """Give the lines that describe all flags."""
    for heading, flags in BY_HEADING.items():
        yield f"\n### {heading}\n"
        yield "| flag | environment | file | default | meaning |"
        yield "|---|---|---|---|---|"
        yield from map(row, flags)
    yield ""


def test_the_table_of_settings_is_that_of_the_code(*, refresh_golden: bool) -> None:
    """`make golden` writes it."""
    page = DOCS / "configuration.md"
    text = page.read_text()
    expected = "\n".join(tables()) + "\n"
    if refresh_golden:
        page.write_text(BLOCK.sub(lambda _: expected, text))
        text = page.read_text()

    found = BLOCK.search(text)
    assert found is not None
    assert found[0] == expected


def test_the_example_file_is_valid(tmp_path: Path) -> None:
    """With the files that it names in place, nothing is refused and nothing without effect."""
    (example,) = re.findall(
        r"```yaml\n(.*?)```", (DOCS / "configuration.md").read_text(), re.DOTALL
    )
    authority = Authority()
    key, chain = authority.issue("server", server=True)
    for name, content in (
        ("server.key", key),
        ("server.crt", chain),
        ("ca.crt", authority.pem()),
        ("password", b"hunter2\n"),
        ("kafkascope.yaml", example.replace("/etc/kafkascope", str(tmp_path)).encode()),
    ):
        (tmp_path / name).write_bytes(content)

    invocation = parse([f"--config.file={tmp_path}/kafkascope.yaml"], {})

    settings, (cluster,) = invocation.settings, invocation.settings.clusters
    assert invocation.notices == ()
    assert cluster.servers == ("kafka-0.kafka:9093", "kafka-1.kafka:9093")
    assert cluster.sasl.password.get_secret_value() == "hunter2"
    assert not cluster.groups.passes("billing-test")
    assert (settings.collect.interval, settings.collect.staleness) == (30, 90)


def test_the_example_of_a_check_prints_what_the_docs_show(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its file, its variable and its command line, word for word."""
    page = (DOCS / "configuration.md").read_text()
    (session,) = re.findall(r"```console\n(.*?)```", page, re.DOTALL)
    _, show, export, command = session.split("$ ")
    (tmp_path / "kafkascope.yaml").write_text(show.removeprefix("cat kafkascope.yaml\n"))
    name, value = export.split()[1].split("=")
    called, *printed = command.splitlines()
    monkeypatch.chdir(tmp_path)

    with pytest.raises(ConfigError) as raised:
        parse(called.split()[1:], {name: value})

    told = [f"warning: {notice}" for notice in raised.value.notices] + [*raised.value.problems]
    assert [f"kafkascope-exporter: {line}" for line in told] == printed


def test_every_flag_of_danielqsj_is_accepted_with_its_default() -> None:
    """The contract; a flag without a default there has none here."""
    ours = {flag.name: flag for flag in FLAGS}
    names = ours.keys() | {flag.name for flag in RETIRED_FLAGS}

    assert [name for name in DANIELQSJ if name not in names] == []
    defaults = {name: ours[name].default for name in DANIELQSJ if name in ours}
    assert {name: text for name, text in defaults.items() if text not in {"", "false"}} == DEFAULTS


def test_the_documented_defaults_are_those_of_the_settings() -> None:
    """Giving every default by its flag changes nothing."""
    collect = parse([], {}).settings.collect
    following = {
        "collect.deadline": format_duration(collect.deadline),
        "collect.hold": format_duration(collect.hold),
        "collect.staleness": format_duration(collect.staleness),
    }
    argv = [
        f"--{flag.name}={following.get(flag.name, flag.default)}" for flag in FLAGS if flag.default
    ]

    assert len(argv) > 20
    assert parse(argv, {}).settings.model_dump() == parse([], {}).settings.model_dump()


@pytest.mark.parametrize("name", DANIELQSJ)
def test_every_flag_of_danielqsj_has_its_fate_in_the_migration_guide(name: str) -> None:
    """So that nobody has to guess."""
    assert f"`{name}`" in (DOCS / "migrating.md").read_text()
