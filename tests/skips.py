"""The only reasons for which a test may be skipped in CI; any other skip is an error there."""

from typing import Final

SHARED_ABSENT: Final = "../shared is absent"
"""The folder of schemas beside a developer's checkout; a clone from elsewhere lacks it."""

KAFKA_EXPORTER_ABSENT: Final = "kafka_exporter is not on PATH"
"""danielqsj's exporter, a peer that benchmarks compare with."""

KMINION_ABSENT: Final = "kminion is not on PATH"
"""Redpanda's exporter, a peer that benchmarks compare with."""

CONVENTIONS_OLD: Final = "opentelemetry-semantic-conventions is older than v1.44.0"
"""With the oldest opentelemetry-api only (`make test-versions`), so not allowed in CI."""

PEERS_ABSENT: Final = ".venv-peers is absent"
"""Other people's instrumentation, which `make test` installs, so not allowed in CI either."""

CHROMIUM_ABSENT: Final = "chromium and chromedriver are not on PATH"
"""The browser of the page tests, which `.ci/run` installs, so not allowed in CI."""

ALLOWED_SKIPS: Final = frozenset({SHARED_ABSENT, KAFKA_EXPORTER_ABSENT, KMINION_ABSENT})


def refusal_of(skip_message: str) -> str:
    """Say why a skip with pytest's ``skip_message`` is an error in CI; empty when it is allowed."""
    reason = skip_message.removeprefix("Skipped: ")
    if reason in ALLOWED_SKIPS:
        return ""
    allowed = "; ".join(sorted(ALLOWED_SKIPS))
    return f"skipped in CI for a reason that is not allowed: {reason!r} (allowed: {allowed})"
