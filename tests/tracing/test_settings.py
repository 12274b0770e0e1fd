from __future__ import annotations

from dataclasses import fields

import pytest

from kafkascope_tracing.settings import SWITCHES, HeaderFilter, Settings, read_settings

KAFKA = "OTEL_INSTRUMENTATION_KAFKA_"
MESSAGING = "OTEL_INSTRUMENTATION_MESSAGING_EXPERIMENTAL_"


def test_an_empty_environment_gives_the_defaults() -> None:
    """They are those of the class; only zero-code use has another one of its own."""
    assert read_settings({}) == Settings()
    assert read_settings({}, process_spans="implicit").process_spans == "implicit"


@pytest.mark.parametrize(
    ("variable", "text", "expected"),
    [
        (f"{KAFKA}ENABLED", "false", Settings(enabled=False)),
        (f"{KAFKA}PRODUCER_PROPAGATION_ENABLED", "False", Settings(propagation=False)),
        (f"{KAFKA}EXISTING_CONTEXT", "keep", Settings(existing_context="keep")),
        (f"{KAFKA}CREATE_SPANS_ENABLED", "0", Settings(create_spans=False)),
        (f"{MESSAGING}RECEIVE_TELEMETRY_ENABLED", "true", Settings(receive_spans=True)),
        (f"{MESSAGING}RECEIVE-TELEMETRY_ENABLED", "true", Settings(receive_spans=True)),
        (f"{KAFKA}PROCESS_SPANS", "IMPLICIT", Settings(process_spans="implicit")),
        (f"{KAFKA}PROCESS_PARENT", "ambient", Settings(process_parent="ambient")),
        (f"{KAFKA}SETTLE_SPANS_ENABLED", "no", Settings(settle_spans=False)),
        (f"{KAFKA}TRANSACTION_SPANS_ENABLED", "off", Settings(transaction_spans=False)),
        (f"{KAFKA}METRICS_ENABLED", "false", Settings(metrics=False)),
        (f"{KAFKA}DURATION_METRICS_ENABLED", "false", Settings(duration_metrics=False)),
        (f"{KAFKA}EXPERIMENTAL_SPAN_ATTRIBUTES", " on ", Settings(experimental_attributes=True)),
        (f"{MESSAGING}HEADERS_INCLUDED", "x-*, y", Settings(headers=HeaderFilter(("x-*", "y")))),
        (f"{MESSAGING}HEADERS_EXCLUDED", "z", Settings(headers=HeaderFilter((), ("z",)))),
        ("OTEL_SPAN_LINK_COUNT_LIMIT", "500", Settings(link_limit=500)),
        ("OTEL_SEMCONV_STABILITY_OPT_IN", "http, messaging/dup", Settings(old_names=True)),
        ("OTEL_SEMCONV_STABILITY_OPT_IN", "messaging", Settings()),
        (
            "OTEL_SEMCONV_EXCEPTION_SIGNAL_OPT_IN",
            "logs",
            Settings(exception_events=False, exception_logs=True),
        ),
        ("OTEL_SEMCONV_EXCEPTION_SIGNAL_OPT_IN", "logs/dup", Settings(exception_logs=True)),
    ],
)
def test_each_switch_is_read(variable: str, text: str, expected: Settings) -> None:
    """One variable changes one setting."""
    assert read_settings({variable: text}) == expected


def test_every_setting_has_a_switch() -> None:
    """But for those that OpenTelemetry's own opt-in variables decide together."""
    switched = {switch.field.partition(".")[0] for switch in SWITCHES}
    together = {"old_names", "exception_events", "exception_logs"}
    assert switched | together == {field.name for field in fields(Settings)}


@pytest.mark.parametrize(
    ("variable", "text"),
    [
        (f"{KAFKA}ENABLED", "perhaps"),
        (f"{KAFKA}PROCESS_SPANS", "sometimes"),
        ("OTEL_SPAN_LINK_COUNT_LIMIT", "0"),
        ("OTEL_SPAN_LINK_COUNT_LIMIT", "many"),
    ],
)
def test_a_bad_value_leaves_the_default_and_is_logged_once(
    variable: str, text: str, caplog: pytest.LogCaptureFixture
) -> None:
    """With the variable's name; nothing is raised."""
    assert read_settings({variable: text}) == Settings()
    assert len(caplog.messages) == 1
    assert variable in caplog.messages[0]


def test_the_spelling_with_an_underscore_comes_first() -> None:
    """Where both spellings of one switch are set; an empty one counts as not set."""
    with_underscore = f"{MESSAGING}RECEIVE_TELEMETRY_ENABLED"
    with_dash = f"{MESSAGING}RECEIVE-TELEMETRY_ENABLED"
    assert not read_settings({with_underscore: "false", with_dash: "true"}).receive_spans
    assert read_settings({with_underscore: "", with_dash: "true"}).receive_spans


def test_headers_are_chosen_by_patterns() -> None:
    """What is excluded is not captured, even if it is included as well."""
    chosen = HeaderFilter(("x-*", "id"), ("x-secret*",))
    assert [chosen.matches(name) for name in ("x-a", "id", "ID", "x-secret-1", "y")] == [
        *(True, True, False, False),
        False,
    ]
