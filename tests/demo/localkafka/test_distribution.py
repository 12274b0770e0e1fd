from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from kafkascope_demo.localkafka import LocalKafkaError
from kafkascope_demo.localkafka.distribution import Distribution, Progress, fetch, load

WHOLE = b"PK\x05\x06" + bytes(18)
"""The smallest zip file: an empty one."""


class Download:
    """An artifact whose download yields these contents, one after the other."""

    groupId = "org.example"  # noqa: N815 - Maven's term
    artifactId = "jar"  # noqa: N815 - Maven's term
    version = "1"
    filename = "jar-1.jar"

    def __init__(self, directory: Path, *contents: bytes) -> None:
        self.path = directory / self.filename
        self.contents = list(contents)

    def resolve(self) -> Path:
        """Like ``jgo``: downloads only what is not there."""
        if not self.path.exists():
            self.path.write_bytes(self.contents.pop(0))
        return self.path


class Resolver:
    """Counts how often it is asked."""

    def __init__(self, jar: Path) -> None:
        self.jar = jar
        self.asked = 0

    def __call__(self, version: str, progress: Progress) -> Distribution:
        """Download one jar."""
        progress(f"downloading {version}", 0, 1)
        self.asked += 1
        self.jar.write_bytes(WHOLE)
        return Distribution(version, (self.jar,), (self.jar,))


def silent(what: str, done: int, total: int) -> None:
    """Take progress and say nothing."""


@pytest.fixture
def resolver(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Resolver:
    """A resolver, and a cache of the test's own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return Resolver(tmp_path / "kafka.jar")


def test_an_interrupted_download_is_done_again(tmp_path: Path) -> None:
    """A truncated jar of an earlier run is replaced."""
    download = Download(tmp_path, WHOLE)
    download.path.write_bytes(WHOLE[:7])

    jar = fetch(download)

    assert zipfile.is_zipfile(jar)


def test_a_jar_that_stays_damaged_is_named(tmp_path: Path) -> None:
    """The second damaged download is an error."""
    with pytest.raises(LocalKafkaError, match=r"the download of jar-1\.jar is damaged"):
        fetch(Download(tmp_path, b"<html>", b"<html>"))


def test_a_second_start_resolves_nothing(resolver: Resolver) -> None:
    """The list of the first start is enough, so no network is needed."""
    first = load("1.0.0", silent, resolver)

    assert load("1.0.0", silent, resolver) == first
    assert resolver.asked == 1


@pytest.mark.parametrize("damage", [b"", WHOLE[:10], None])
def test_a_jar_that_changed_is_resolved_again(resolver: Resolver, damage: bytes | None) -> None:
    """A missing or truncated jar is noticed at the start."""
    load("1.0.0", silent, resolver)
    if damage is None:
        resolver.jar.unlink()
    else:
        resolver.jar.write_bytes(damage)

    load("1.0.0", silent, resolver)

    assert resolver.asked == 2
    assert resolver.jar.read_bytes() == WHOLE


@pytest.mark.parametrize(
    "content", ["", "[]", "{}", '{"broker": 1}', '{"broker": [], "tools": []}']
)
def test_a_damaged_list_is_written_anew(resolver: Resolver, tmp_path: Path, content: str) -> None:
    """A half-written list stops nobody."""
    load("1.0.0", silent, resolver)
    [listing] = (tmp_path / "cache" / "kafkascope").glob("*.json")
    listing.write_text(content)

    assert load("1.0.0", silent, resolver).broker == (resolver.jar,)
    assert resolver.asked == 2
