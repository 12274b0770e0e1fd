from collections.abc import Mapping
from pathlib import Path

import pytest

from kafkascope_exporter.cli import ConfigError, Invocation, parse


def test_a_password_is_read_from_its_file_without_the_last_newline(tmp_path: Path) -> None:
    """Editors end a file with one; the rest belongs to the password."""
    file = tmp_path / "password"
    argv = ["--sasl.enabled", "--sasl.mechanism=plain", "--tls.enabled", "--sasl.username=me"]

    read = []
    for content in (b"hunter2", b"hunter2\n", b"hunter2\r\n", b" hunter2 \n\n"):
        file.write_bytes(content)
        settings = parse([*argv, f"--sasl.password-file={file}"], {}).settings
        read.append(settings.clusters[0].sasl.password.get_secret_value())

    assert read == ["hunter2", "hunter2", "hunter2", " hunter2 \n"]


def test_a_password_and_its_file_may_come_from_different_sources(tmp_path: Path) -> None:
    """The higher source wins; from the same one, only one can be meant."""
    secret, settings = tmp_path / "password", tmp_path / "f.yaml"
    secret.write_text("from the password file")
    settings.write_text("clusters: [{sasl: {password: from the settings}}]")
    named, by_file = f"--config.file={settings}", f"--sasl.password-file={secret}"

    def password(argv: list[str], environ: Mapping[str, str]) -> str:
        return parse(argv, environ).settings.clusters[0].sasl.password.get_secret_value()

    assert password([named, by_file], {}) == "from the password file"
    assert password([by_file], {"SASL_USER_PASSWORD": "x"}) == "from the password file"
    assert password(["--sasl.password=x"], {"KAFKASCOPE_SASL_PASSWORD_FILE": str(secret)}) == "x"
    assert password([named], {"KAFKASCOPE_SASL_PASSWORD_FILE": ""}) == "from the settings"
    with pytest.raises(ConfigError) as raised:
        parse([by_file, "--sasl.password=hunter2"], {})
    assert raised.value.problems == (
        "--sasl.password-file: is given beside --sasl.password; give only one of them",
    )


def test_a_password_file_that_cannot_be_used_is_a_problem(tmp_path: Path) -> None:
    """One problem: that the password is missing then is no news."""
    empty, binary = tmp_path / "empty", tmp_path / "binary"
    empty.write_text("\n")
    binary.write_bytes(b"\xff")
    argv = ["--sasl.enabled", "--sasl.mechanism=plain", "--sasl.username=me"]

    found = []
    for file in (Path("/none"), empty, binary):
        with pytest.raises(ConfigError) as raised:
            parse([*argv, f"--sasl.password-file={file}"], {})
        found.append(raised.value.problems)

    assert found == [
        ("--sasl.password-file: cannot read /none: No such file or directory",),
        (f"--sasl.password-file: {empty} is empty",),
        (f"--sasl.password-file: {binary} is not UTF-8 text",),
    ]


def shown(argv: list[str], environ: Mapping[str, str]) -> str:
    """Give all that a log or a terminal could show of an invocation, good or bad."""
    try:
        invocation = parse(argv, environ)
    except ConfigError as error:
        return f"{error!r} {error} {error.problems} {error.__context__!r} {error.__cause__!r}"
    assert isinstance(invocation, Invocation)
    settings = invocation.settings
    return f"{invocation!r} {settings.model_dump()} {settings.model_dump_json()} {settings}"


@pytest.mark.parametrize(
    "argv",
    [
        ["--sasl.password=hunter2"],
        ["--sasl.password=hunter2", "--sasl.password-file=/none"],
        ["--tls.key-password=hunter2"],
        ["--kafka.property=ssl.key.pem=hunter2"],
        ["--kafka.property=sasl.password=hunter2"],
        ["--kafka.property=ssl.key.password:hunter2"],
        ["--sasl.enabled", "--sasl.password=hunter2", "--sasl.mechanism=plain"],
        ["--config.file={file}"],
        ["--config.file={file}", "--sasl.enabled", "--log.level=x"],
    ],
)
def test_nothing_shows_a_secret(argv: list[str], tmp_path: Path) -> None:
    """Whether the settings are good or not, and whatever is printed of them."""
    file = tmp_path / "f.yaml"
    file.write_text(
        "clusters:\n- sasl: {password: hunter2, pasword: hunter2}\n"
        "  tls: {key_password: [hunter2]}\n  properties: {group.id: hunter2}\n"
    )
    environ = {"KAFKASCOPE_TLS_KEY_PASSWORD": "hunter2", "SASL_USER_PASSWORD": "hunter2"}

    text = shown([argument.format(file=file) for argument in argv], environ)

    assert len(text) > 50
    assert "hunter2" not in text
