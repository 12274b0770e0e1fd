"""Every switch of the tracing library: its names in the environment, its default, what it does."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Final, Literal, TypeAlias, cast

ProcessSpans: TypeAlias = Literal["explicit", "implicit", "off"]
ProcessParent: TypeAlias = Literal["creation", "ambient"]
ExistingContext: TypeAlias = Literal["replace", "keep"]

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class HeaderFilter:
    """Which message headers become span attributes ``messaging.header.<name>``.

    Args:
        included: Glob patterns of names; none captures nothing.
        excluded: Glob patterns of names that are left out again.
    """

    included: tuple[str, ...] = ()
    excluded: tuple[str, ...] = ()

    def matches(self, name: str) -> bool:
        """Whether the header of this name is captured."""
        return _matches(self, name)


@lru_cache(maxsize=1024)
def _matches(chosen: HeaderFilter, name: str) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in chosen.included) and not any(
        fnmatchcase(name, pattern) for pattern in chosen.excluded
    )


@dataclass(frozen=True, slots=True)
class Settings:
    """What the library does; each field is documented, with its variable, in docs/tracing.md.

    Args:
        enabled: ``False`` makes every client behave as if it were not traced.
        propagation: Write the context into the headers of messages that are sent.
        existing_context: What to do with a context that the caller's headers hold already:
            ``replace`` it (applications forward consumed headers), or ``keep`` it as the custom
            creation context of the messaging conventions, to which the send span then links.
        create_spans: A create span for each message of ``produce_batch``; without them the
            messages carry the context of the one send span.
        receive_spans: A span for each poll or consume that returned messages.
        process_spans: ``explicit`` (``KafkaTelemetry.process`` and its kin make them),
            ``implicit`` (each message that poll returns has one until the next poll) or ``off``.
        process_parent: When no span is current, a process span's parent is the ``creation``
            context, or with ``ambient`` none, so that only the link joins the two traces.
        settle_spans: A span for each commit.
        transaction_spans: A span from the begin of a transaction to its commit or abort.
        metrics: Record the messaging metrics when a metrics SDK is there.
        duration_metrics: Record the two histograms among them, the costly ones.
        experimental_attributes: Attributes outside of the conventions: time in queue, bootstrap
            servers.
        headers: Which headers are captured as span attributes.
        old_names: Give the attribute names of semconv v1.24 beside those of v1.44
            (``OTEL_SEMCONV_STABILITY_OPT_IN=messaging/dup``).
        exception_events: Record exceptions as span events.
        exception_logs: Record exceptions as log events
            (``OTEL_SEMCONV_EXCEPTION_SIGNAL_OPT_IN``).
        link_limit: How many links the SDK keeps per span; poll spans are split at it.
    """

    enabled: bool = True
    propagation: bool = True
    existing_context: ExistingContext = "replace"
    create_spans: bool = True
    receive_spans: bool = False
    process_spans: ProcessSpans = "explicit"
    process_parent: ProcessParent = "creation"
    settle_spans: bool = True
    transaction_spans: bool = True
    metrics: bool = True
    duration_metrics: bool = True
    experimental_attributes: bool = False
    headers: HeaderFilter = HeaderFilter()
    old_names: bool = False
    exception_events: bool = True
    exception_logs: bool = False
    link_limit: int = 128


def _boolean(text: str) -> bool:
    if text.lower() in {"true", "1", "yes", "on"}:
        return True
    if text.lower() in {"false", "0", "no", "off"}:
        return False
    raise ValueError("expected true or false")


def _choice(*choices: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text.lower() not in choices:
            raise ValueError(f"expected one of {', '.join(choices)}")
        return text.lower()

    return parse


def _count(text: str) -> int:
    count = int(text)
    if count < 1:
        raise ValueError("expected a number of at least 1")
    return count


def _names(text: str) -> tuple[str, ...]:
    return tuple(filter(None, (name.strip() for name in text.split(","))))


@dataclass(frozen=True, slots=True)
class Switch:
    """One setting in the environment.

    Args:
        field: Its name in ``Settings``, or in ``HeaderFilter`` after ``headers.``.
        variables: The names of its variable; the first that is set counts.
        parse: Makes the value of a text; raises ``ValueError`` with what was expected.
    """

    field: str
    variables: tuple[str, ...]
    parse: Callable[[str], object]


_KAFKA: Final = "OTEL_INSTRUMENTATION_KAFKA_"
_MESSAGING: Final = "OTEL_INSTRUMENTATION_MESSAGING_EXPERIMENTAL_"

SWITCHES: Final = (
    Switch("enabled", (f"{_KAFKA}ENABLED",), _boolean),
    Switch("propagation", (f"{_KAFKA}PRODUCER_PROPAGATION_ENABLED",), _boolean),
    Switch("existing_context", (f"{_KAFKA}EXISTING_CONTEXT",), _choice("replace", "keep")),
    Switch("create_spans", (f"{_KAFKA}CREATE_SPANS_ENABLED",), _boolean),
    Switch(
        "receive_spans",
        # The second spelling is the one of Oracle Japan's talk, which Java accepts.
        (f"{_MESSAGING}RECEIVE_TELEMETRY_ENABLED", f"{_MESSAGING}RECEIVE-TELEMETRY_ENABLED"),
        _boolean,
    ),
    Switch("process_spans", (f"{_KAFKA}PROCESS_SPANS",), _choice("explicit", "implicit", "off")),
    Switch("process_parent", (f"{_KAFKA}PROCESS_PARENT",), _choice("creation", "ambient")),
    Switch("settle_spans", (f"{_KAFKA}SETTLE_SPANS_ENABLED",), _boolean),
    Switch("transaction_spans", (f"{_KAFKA}TRANSACTION_SPANS_ENABLED",), _boolean),
    Switch("metrics", (f"{_KAFKA}METRICS_ENABLED",), _boolean),
    Switch("duration_metrics", (f"{_KAFKA}DURATION_METRICS_ENABLED",), _boolean),
    Switch("experimental_attributes", (f"{_KAFKA}EXPERIMENTAL_SPAN_ATTRIBUTES",), _boolean),
    Switch("headers.included", (f"{_MESSAGING}HEADERS_INCLUDED",), _names),
    Switch("headers.excluded", (f"{_MESSAGING}HEADERS_EXCLUDED",), _names),
    Switch("link_limit", ("OTEL_SPAN_LINK_COUNT_LIMIT",), _count),
)


def read_settings(
    environment: Mapping[str, str], *, process_spans: ProcessSpans = "explicit"
) -> Settings:
    """Read every switch; a value that cannot be read is logged and leaves the default.

    Args:
        environment: The variables, usually ``os.environ``.
        process_spans: The default of that switch, which zero-code use has as ``implicit``.
    """
    read: dict[str, object] = {"process_spans": process_spans}
    for switch in SWITCHES:
        name = next((name for name in switch.variables if environment.get(name, "").strip()), None)
        if name is None:
            continue
        text = environment[name].strip()
        try:
            read[switch.field] = switch.parse(text)
        except ValueError as error:
            _logger.warning("%s=%s is ignored: %s", name, text, error)
    headers = HeaderFilter(
        included=cast("tuple[str, ...]", read.pop("headers.included", ())),
        excluded=cast("tuple[str, ...]", read.pop("headers.excluded", ())),
    )
    stability = _names(environment.get("OTEL_SEMCONV_STABILITY_OPT_IN", ""))
    exceptions = environment.get("OTEL_SEMCONV_EXCEPTION_SIGNAL_OPT_IN", "").strip()
    return replace(
        Settings(
            headers=headers,
            old_names="messaging/dup" in stability,
            exception_logs=exceptions in {"logs", "logs/dup"},
            exception_events=exceptions != "logs",
        ),
        **read,  # type: ignore[arg-type]  # each parser makes what its field holds
    )
