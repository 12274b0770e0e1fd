import shlex
from collections.abc import Mapping
from pathlib import Path

import pytest

from kafkascope_demo.localkafka.certificates import Authority
from kafkascope_exporter.cli import ConfigError, parse


def problems(*argv: str, environ: Mapping[str, str] | None = None) -> tuple[str, ...]:
    """Parse what has problems."""
    with pytest.raises(ConfigError) as raised:
        parse(argv, environ or {})
    assert str(raised.value) == "\n".join(raised.value.problems)
    return raised.value.problems


@pytest.fixture
def certificates(tmp_path: Path) -> Path:
    """Write ca.crt, tls.crt and tls.key, as a Kubernetes secret is mounted."""
    authority = Authority()
    key, chain = authority.issue("exporter", server=False)
    (tmp_path / "ca.crt").write_bytes(authority.pem())
    (tmp_path / "tls.crt").write_bytes(chain)
    (tmp_path / "tls.key").write_bytes(key)
    return tmp_path


def test_nothing_given_is_the_defaults() -> None:
    """Without a word about it."""
    invocation = parse([], {})

    assert invocation.settings.clusters[0].servers == ("kafka:9092",)
    assert (invocation.notices, invocation.check_only) == ((), False)


def test_strimzis_launcher_line_works(certificates: Path) -> None:
    """All that Strimzi's kafka_exporter_run.sh passes, once the shell has taken its quotes off."""
    line = f"""
        --group.filter="orders.*" --topic.filter=".*" --group.exclude="^x" --topic.exclude="^__"
        --tls.enabled --tls.ca-file={certificates}/ca.crt --tls.cert-file={certificates}/tls.crt
        --tls.key-file={certificates}/tls.key --kafka.server=my-cluster-kafka-bootstrap:9091
        --log.enable-sarama --web.listen-address=:9404 --no-offset.show-all --verbosity=1
        --kafka.version="4.3.1"
    """

    invocation = parse(shlex.split(line), {})

    settings, (cluster,) = invocation.settings, invocation.settings.clusters
    assert cluster.servers == ("my-cluster-kafka-bootstrap:9091",)
    assert (cluster.tls.enabled, cluster.tls.cert_file) == (True, certificates / "tls.crt")
    assert cluster.groups.passes("my-orders-1")
    assert not cluster.topics.passes("__consumer_offsets")
    assert not cluster.show_all_offsets
    assert (settings.web.listen_port, settings.log.level) == (9404, "debug")
    assert [notice.partition(" ")[0] for notice in invocation.notices] == [
        "--log.enable-sarama",
        "--kafka.version",
    ]


def test_danielqsjs_chart_works(certificates: Path) -> None:
    """Its Helm chart passes empty values, and --sasl.handshake=false."""
    argv = [
        "--kafka.server=kafka-0:9092",
        "--kafka.server=kafka-1:9092",
        "--kafka.version=2.0.0",
        "--sasl.enabled",
        "--sasl.handshake=false",
        "--sasl.username=me",
        "--sasl.password=",
        "--sasl.mechanism=SCRAM-SHA512",
        "--sasl.oauthbearer-token-url=",
        "--tls.enabled",
        "--tls.insecure-skip-tls-verify",
        f"--tls.ca-file={certificates}/ca.crt",
        f"--tls.cert-file={certificates}/tls.crt",
        f"--tls.key-file={certificates}/tls.key",
        "--verbosity=0",
    ]

    invocation = parse(argv, {"SASL_USER_PASSWORD": "hunter2"})

    (cluster,) = invocation.settings.clusters
    assert cluster.servers == ("kafka-0:9092", "kafka-1:9092")
    assert cluster.sasl.mechanism == "scram-sha512"
    assert cluster.sasl.password.get_secret_value() == "hunter2"
    assert cluster.tls.insecure_skip_tls_verify


def test_the_communitys_chart_works_with_a_ca_only(certificates: Path) -> None:
    """prometheus-kafka-exporter names a client certificate and the server's, there or not."""
    argv = [
        "--verbosity=0",
        "--kafka.server=kafka:9093",
        "--tls.enabled",
        f"--tls.ca-file={certificates}/ca.crt",
        "--tls.cert-file=/none/tls.crt",
        "--tls.key-file=/none/tls.key",
        "--tls.server-name=kafka",
        "--server.tls.ca-file=/none/ca.crt",
        "--server.tls.cert-file=/none/tls.crt",
        "--server.tls.key-file=/none/tls.key",
        "--server.tls.mutual-auth-enabled=false",
    ]

    invocation = parse(argv, {})

    tls = invocation.settings.clusters[0].tls
    assert (tls.enabled, tls.cert_file, tls.key_file) == (True, None, None)
    assert invocation.notices == (
        (
            "--tls.cert-file, --tls.key-file: neither /none/tls.crt nor /none/tls.key exists:"
            " connecting without a client certificate"
        ),
        (
            "--server.tls.ca-file, --server.tls.cert-file, --server.tls.key-file have no effect"
            " without --server.tls.enabled"
        ),
    )


def test_a_flag_wins_over_the_environment_over_the_file_over_a_fallback(tmp_path: Path) -> None:
    """One step taken away at a time."""
    file = tmp_path / "f.yaml"
    file.write_text("clusters: [{sasl: {aws_region: file}}]")
    flag = "--sasl.aws-region=flag"
    named = f"--config.file={file}"
    variable, fallback = {"KAFKASCOPE_SASL_AWS_REGION": "variable"}, {"AWS_REGION": "fallback"}

    invocations = [
        parse([flag, named], {**variable, **fallback}),
        parse([named], {**variable, **fallback}),
        parse([named], fallback),
        parse([], fallback),
        parse([], {}),
    ]

    regions = [invocation.settings.clusters[0].sasl.aws_region for invocation in invocations]
    assert regions == ["flag", "variable", "file", "fallback", ""]


def test_a_list_or_mapping_is_replaced_as_a_whole(tmp_path: Path) -> None:
    """A flag does not add to what the file has."""
    file = tmp_path / "f.yaml"
    file.write_text("clusters: [{servers: [a, b], properties: {debug: all, x: y}}]")

    environ = {
        "KAFKASCOPE_CONFIG_FILE": str(file),
        "KAFKASCOPE_KAFKA_PROPERTY": "debug=broker,admin\nclient.rack=r1",
    }
    (cluster,) = parse(["--kafka.server=c"], environ).settings.clusters

    assert cluster.servers == ("c:9092",)
    assert dict(cluster.properties) == {"debug": "broker,admin", "client.rack": "r1"}


def test_problems_of_all_sources_are_told_at_once(tmp_path: Path) -> None:
    """Each names the flag, the variable, or file, line and path; the file's by line."""
    file = tmp_path / "f.yaml"
    file.write_text("log:\n  level: loud\nweb:\n  listen_address: x\n  port: 1\n")
    environ = {"KAFKASCOPE_COLLECT_INTERVAL": "15", "KAFKASCOPE_COLLECT_DEADLINE": "1h"}
    argv = [f"--config.file={file}", "--bogus", "--topic.filter=(", "--tls.enabled=maybe"]

    assert problems(*argv, "--sasl.enabled", environ=environ) == (
        "--bogus: unknown flag; see --help",
        "--tls.enabled: must be true or false, not 'maybe'",
        "--topic.filter: '(' is not a regular expression: missing ), unterminated subpattern",
        (
            "KAFKASCOPE_COLLECT_INTERVAL: '15' is not a duration:"
            " write it with its unit, as in 15s or 1m30s"
        ),
        (
            "--sasl.mechanism: is needed with --sasl.enabled:"
            " plain, scram-sha256, scram-sha512, gssapi, awsiam or oauthbearer"
        ),
        f"{file}:2: log.level: must be 'debug', 'info', 'warn' or 'error', not 'loud'",
        f"{file}:4: web.listen_address: 'x' has no port: write it as :9308 or 127.0.0.1:9308",
        f"{file}:5: web.port: unknown setting",
    )


@pytest.mark.parametrize(
    ("argv", "problem"),
    [
        (["--kafka.server="], "--kafka.server: names no server: write host:port"),
        (["--collect.hold=-1s"], "--collect.hold: must be greater than or equal to 0, not '-1s'"),
        (["--collect.interval=0"], "--collect.interval: must be greater than 0, not '0'"),
        (["--verbosity=high"], "--verbosity: must be a whole number, 0 or more"),
        (["--check-config=maybe"], "--check-config: must be true or false"),
        (["--config.file="], "--config.file: names no file"),
        (["--config.file=/none"], "--config.file: cannot read /none: No such file or directory"),
        (["--kafka.labels=topic=x"], "--kafka.labels: 'topic' is not allowed: the Kafka series"),
        (["--kafka.property=group.id=x"], "--kafka.property: property 'group.id' is set by the"),
        (["--web.telemetry-path=/healthz"], "--web.telemetry-path: '/healthz' is taken"),
        (["--compat.uncommitted=none"], "--compat.uncommitted: must be 'absent' or 'sentinel'"),
        (["--kafka.client-id="], "--kafka.client-id: must not be empty"),
        (["--sasl.mechanism=x"], "--sasl.mechanism: must be 'plain', 'scram-sha256', "),
        (["--sasl.kerberos-auth-type=x"], "--sasl.kerberos-auth-type: must be 'keytabAuth' or "),
    ],
)
def test_a_bad_value_is_one_line_that_names_its_flag(argv: list[str], problem: str) -> None:
    """And nothing else: what follows from it is not told too."""
    (found,) = problems(*argv)

    assert found.startswith(problem)


def test_check_config_is_passed_on() -> None:
    """Whoever starts the exporter prints the verdict."""
    assert parse(["--check-config"], {}).check_only
    assert not parse(["--no-check-config"], {}).check_only


def test_what_is_no_problem_is_told_beside_what_is() -> None:
    """A variable that was ignored may be why something is missing."""
    with pytest.raises(ConfigError) as raised:
        parse(["--sasl.enabled"], {"KAFKASCOPE_SASL_MECHANISMS": "plain"})

    assert [problem.partition(":")[0] for problem in raised.value.problems] == ["--sasl.mechanism"]
    assert [notice.partition(":")[0] for notice in raised.value.notices] == [
        "KAFKASCOPE_SASL_MECHANISMS"
    ]


def test_a_level_given_wins_over_verbosity() -> None:
    """--verbosity is danielqsj's; 1 is its debug."""
    levels = [
        parse(argv, {}).settings.log.level
        for argv in (
            ["--verbosity=0"],
            ["--verbosity=2"],
            ["--verbosity=1", "--log.level=warn"],
        )
    ]

    assert levels == ["info", "debug", "warn"]


def test_settings_without_effect_are_pointed_out(tmp_path: Path) -> None:
    """A forgotten --sasl.enabled is otherwise hard to find; what is off or empty is no news."""
    file = tmp_path / "f.yaml"
    file.write_text("clusters:\n- sasl:\n    username: me\n    password: hunter2\n")
    argv = [f"--config.file={file}", "--tls.insecure-skip-tls-verify=false", "--tls.ca-file="]

    invocation = parse(argv, {"AWS_REGION": "eu-west-1"})

    assert invocation.notices == (
        (
            f"{file}:3: clusters[0].sasl.username, {file}:4: clusters[0].sasl.password"
            " have no effect without --sasl.enabled"
        ),
    )


def test_a_password_in_the_open_is_pointed_out() -> None:
    """PLAIN sends it as it is."""
    argv = ["--sasl.enabled", "--sasl.mechanism=plain", "--sasl.username=a", "--sasl.password=b"]

    assert parse(argv, {}).notices == (
        "--sasl.mechanism: plain without --tls.enabled sends the password readable",
    )
    assert parse([*argv, "--tls.enabled"], {}).notices == ()
