"""The verifier's record through a Kafka Bridge of our own, which speaks its API, to real Kafka."""

import contextlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from confluent_kafka import Consumer, Message, Producer

from kafkascope_demo import web
from kafkascope_demo.addresses import Addresses, TraceBackend
from kafkascope_demo.localkafka import LocalKafka
from kafkascope_demo.verify import bridge, checks


class Bridge(BaseHTTPRequestHandler):
    """Takes records as the Bridge does, and writes them to Kafka."""

    producer: Producer

    def do_POST(self) -> None:
        """Write the records, and give their places."""
        assert self.headers["Content-Type"] == "application/vnd.kafka.json.v2+json"
        topic = self.path.removeprefix("/topics/")
        records = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["records"]
        written: list[Message] = []
        for record in records:
            value = json.dumps(record["value"]).encode()
            self.producer.produce(topic, value, on_delivery=lambda _, one: written.append(one))
        assert self.producer.flush(20) == 0
        offsets = [{"partition": one.partition(), "offset": one.offset()} for one in written]
        self._answer(200, {"offsets": offsets})

    def _answer(self, status: int, body: dict[str, Any]) -> None:
        text = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class Refusing(Bridge):
    """Does not know the topic."""

    def do_POST(self) -> None:
        """Say so, as the Bridge does."""
        self.rfile.read(int(self.headers["Content-Length"]))
        self._answer(404, {"error_code": 404, "message": "Topic not found"})


@contextlib.contextmanager
def serving(handler: type[Bridge], kafka: LocalKafka) -> Iterator[str]:
    """A bridge that runs, by its address."""
    producer = Producer({"bootstrap.servers": kafka.bootstrap_servers})
    own = type("Own", (handler,), {"producer": producer})
    server = ThreadingHTTPServer(("127.0.0.1", 0), own)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextlib.contextmanager
def processing(kafka: LocalKafka, topic: str, group: str) -> Iterator[None]:
    """A member of the group that processes and commits."""
    stopping = threading.Event()
    consumer = Consumer(
        {
            "bootstrap.servers": kafka.bootstrap_servers,
            "group.id": group,
            "auto.offset.reset": "earliest",
            "auto.commit.interval.ms": 200,
        }
    )
    consumer.subscribe([topic])

    def work() -> None:
        while not stopping.is_set():
            consumer.poll(0.2)
        consumer.close()

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        stopping.set()
        thread.join()


def addresses(kafka: LocalKafka, topic: str, group: str, url: str) -> Addresses:
    """A demo that has a bridge."""
    return Addresses(
        bootstrap_servers=kafka.bootstrap_servers,
        exporter="http://127.0.0.1:1",
        producer="http://127.0.0.1:1",
        consumers=(),
        locust=None,
        prometheus=None,
        traces=TraceBackend("jaeger", "http://127.0.0.1:1"),
        topic=topic,
        group=group,
        bridge=url,
    )


def test_a_record_through_the_bridge_is_stored_and_processed(
    kafka: LocalKafka, topic: str, group: str
) -> None:
    """The check says where, and how far the group is."""
    with serving(Bridge, kafka) as url, processing(kafka, topic, group):
        where = addresses(kafka, topic, group, url)
        assert bridge.CHECK in checks(where)
        (outcome,) = bridge.CHECK.run(where)
    assert outcome.passed, outcome.evidence
    assert outcome.evidence.startswith(f"stored at {topic} partition ")


def test_a_bridge_that_refuses_is_quoted(kafka: LocalKafka, topic: str, group: str) -> None:
    """With what it says."""
    with (
        serving(Refusing, kafka) as url,
        pytest.raises(web.WebError, match=r"HTTP 404 .*Topic not found"),
    ):
        list(bridge.CHECK.run(addresses(kafka, topic, group, url)))
