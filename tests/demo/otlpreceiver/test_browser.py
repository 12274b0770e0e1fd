"""A person sees a trace's way across Kafka, in a real browser."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.support.select import Select

from kafkascope_demo.otlpreceiver.records import Batch
from kafkascope_demo.otlpreceiver.traces import read_spans
from tests.demo.otlpreceiver.receivers import (
    START,
    Receiver,
    add_span,
    request_of,
    serving,
    span_id,
    trace_id,
)
from tests.demo.tracepage import assert_sound, browser, save_page, show_trace
from tests.waiting import wait_until

MS = 1_000_000
PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture(scope="module")
def chrome() -> Iterator[Chrome]:
    """A browser for all tests of this file."""
    with browser() as chrome:
        yield chrome


@pytest.fixture
def receiver(tmp_path: Path) -> Iterator[Receiver]:
    """A receiver with a trace across Kafka (number 1) and one of 1,000 spans (number 2)."""
    with serving(tmp_path / "otlp.sqlite3") as receiver:
        for batch in (*kafka_hop(), long_trace()):
            receiver.storage.write(batch)
        yield receiver


def kafka_hop() -> Iterator[Batch]:
    """Give a request's spans as the demo makes them, each service's in a batch of its own."""
    load = request_of("locust")
    add_span(load, 1, 1, name="POST", lasts=10 * MS)
    yield read_spans(load)
    producer = request_of("kafka-producer")
    add_span(producer, 1, 2, parent=1, name="POST /kafka/produce", start=START + MS, lasts=8 * MS)
    sent = add_span(
        producer, 1, 3, parent=2, name="send ochacafe-event", start=START + 2 * MS, lasts=6 * MS
    )
    sent.kind = sent.SPAN_KIND_PRODUCER
    yield read_spans(producer)
    consumer = request_of("kafka-consumer")
    processed = add_span(
        consumer, 1, 4, parent=3, name="process ochacafe-event", start=START + 15 * MS, lasts=5 * MS
    )
    processed.kind = processed.SPAN_KIND_CONSUMER
    processed.links.add(trace_id=(1).to_bytes(16, "big"), span_id=(3).to_bytes(8, "big"))
    processed.attributes.add(key="messaging.system").value.string_value = "kafka<b>"
    processed.status.code = processed.status.STATUS_CODE_ERROR
    processed.status.message = "poison"
    yield read_spans(consumer)


def long_trace() -> Batch:
    """Give a trace of 1,000 spans below each other and beside each other."""
    request = request_of("many")
    for number in range(1, 1_001):
        add_span(request, 2, number, parent=number // 2, start=START + number * 1_000)
    return read_spans(request)


def test_a_trace_across_kafka_is_one_waterfall(
    chrome: Chrome, receiver: Receiver, tmp_path: Path
) -> None:
    """Bars stand where their time was, the consumer's below what sent the message."""
    picture = tmp_path / "pictures" / "trace.png"
    rows = show_trace(chrome, receiver.url, trace_id(1), picture)
    assert [(row.service, row.level) for row in rows] == [
        ("locust", 1),
        ("kafka-producer", 2),
        ("kafka-producer", 3),
        ("kafka-consumer", 4),
    ]
    whole = rows[0].width * 2  # the first span takes half of the trace's time
    assert [round(row.left / whole, 2) for row in rows] == [0, 0.05, 0.1, 0.75]
    assert [round(row.width / whole, 2) for row in rows] == [0.5, 0.4, 0.3, 0.25]
    assert "process ochacafe-event" in rows[3].label
    assert "consumer" in rows[3].label
    assert "error" in rows[3].label
    assert [row.links for row in rows] == [
        (),
        (),
        (f"#span-{span_id(4)}",),
        (f"#span-{span_id(3)}",),
    ]
    assert picture.read_bytes().startswith(PNG)


def test_a_link_leads_to_the_span_and_shows_its_attributes(
    chrome: Chrome, receiver: Receiver
) -> None:
    """The mark beside the producer's span opens the consumer's row."""
    chrome.get(f"{receiver.url}/traces/{trace_id(1)}")
    row = chrome.find_element(By.ID, f"span-{span_id(4)}")
    detail = row.find_element(By.CSS_SELECTOR, ".detail")
    assert not detail.is_displayed()
    chrome.find_element(By.CSS_SELECTOR, ".links a.from").click()
    wait_until(detail.is_displayed, 10, "the row opens")
    assert "messaging.system" in detail.text
    assert "kafka<b>" in detail.text
    assert "error: poison" in detail.text
    row.find_element(By.CSS_SELECTOR, "summary").click()
    wait_until(lambda: not detail.is_displayed(), 10, "the row closes on a click")
    row.find_element(By.CSS_SELECTOR, "summary").send_keys("\n")
    wait_until(detail.is_displayed, 10, "the row opens by the keyboard")
    assert_sound(chrome, receiver.url)


def test_the_list_is_filtered_and_leads_to_a_trace(
    chrome: Chrome, receiver: Receiver, tmp_path: Path
) -> None:
    """By its form, as a person does it."""
    chrome.get(receiver.url)
    assert "For development only" in chrome.find_element(By.TAG_NAME, "header").text
    rows = chrome.find_elements(By.CSS_SELECTOR, ".traces tbody tr")
    assert len(rows) == 2
    Select(chrome.find_element(By.NAME, "service")).select_by_visible_text("kafka-consumer")
    chrome.find_element(By.NAME, "minServices").click()
    chrome.find_element(By.NAME, "errors").click()
    chrome.find_element(By.NAME, "minDurationMs").send_keys("20")
    chrome.find_element(By.TAG_NAME, "button").click()
    wait_until(lambda: "service=kafka-consumer" in chrome.current_url, 10, "the form is sent")
    (row,) = chrome.find_elements(By.CSS_SELECTOR, ".traces tbody tr")
    assert "kafka-consumer, kafka-producer, locust" in row.text
    assert row.text.endswith("4 1 20 ms")
    assert_sound(chrome, receiver.url)
    save_page(chrome, tmp_path / "list.png")
    row.find_element(By.TAG_NAME, "a").click()
    wait_until(lambda: trace_id(1) in chrome.current_url, 10, "the trace opens")
    assert chrome.find_element(By.TAG_NAME, "h1").text == "locust: POST"


def test_a_trace_of_a_thousand_spans_is_drawn_whole(chrome: Chrome, receiver: Receiver) -> None:
    """And its last row opens by its address."""
    chrome.get(f"{receiver.url}/traces/{trace_id(2)}#span-{span_id(1_000)}")
    assert len(chrome.find_elements(By.CSS_SELECTOR, ".rows > li")) == 1_000
    detail = chrome.find_element(By.CSS_SELECTOR, f"#span-{span_id(1_000)} .detail")
    wait_until(detail.is_displayed, 10, "the row that the address names is open")
    assert_sound(chrome, receiver.url)
