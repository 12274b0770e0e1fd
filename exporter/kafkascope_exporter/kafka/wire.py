"""Many requests to many brokers at once, each with an answer of its own, under one deadline.

With `connections.py` this is the only file that touches kafka-python's connection layer
(``kafka.net``), which is less stable than its public clients; ``tests/integration/test_wire.py``
is the contract that a new release of it has to pass. What the public ``KafkaAdminClient`` lacks
and collection needs: a request to a broker of our choice, a deadline per request, and an answer
per request instead of one exception for all.
"""

import logging
import threading
import time
from collections import Counter, defaultdict, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kafka.net.selector import NetworkSelector

from kafkascope_exporter.kafka.codes import TIMED_OUT, UNREACHABLE, UNSUPPORTED, code_of
from kafkascope_exporter.kafka.connections import Connections, Node, address_of
from kafkascope_exporter.model import Broker, BrokerId, Failure

log = logging.getLogger(__name__)

OLDEST_RELEASE = (0, 11)
"""Brokers before this one lack ListOffsets with an isolation level (version 2)."""


class ClusterUnreachableError(Exception):
    """No bootstrap server answered in time; the text says why, ``code`` names it as a failure."""

    def __init__(self, why: str, code: str) -> None:
        super().__init__(why)
        self.code = code


@dataclass(frozen=True, slots=True)
class Call:
    """One request (a kafka-python request, or one that quacks like it) for one broker."""

    api: str
    broker: BrokerId
    request: Any


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a call: a response, or the ``code`` of what went wrong."""

    call: Call
    response: Any = None
    code: str = ""

    def failure(self, count: int = 1) -> Failure:
        """Put an unanswered call into the cycle's records as ``count`` failures."""
        return Failure(self.call.api, str(self.call.broker), self.code, count)


class Wire:
    """Connections to the brokers of one cluster, made when first needed.

    Args:
        configs: kafka-python's configuration names and values (`clients.kafka_python_configs`).

    All methods are for one calling thread; the network is served by a thread of kafka-python's.
    """

    def __init__(self, configs: Mapping[str, Any]) -> None:
        self._net = NetworkSelector(**configs)
        self._manager = Connections(self._net, **configs)
        self._net.start()
        self._requests: Counter[tuple[str, str]] = Counter()

    def connect(self, deadline: float, *, again: bool = False) -> None:
        """Begin a cycle: learn the brokers from any bootstrap server, unless they are known.

        A broker that refuses our login or certificate is not tried again before the next call.

        Args:
            deadline: when to give up, on the clock of `time.monotonic`.
            again: ask the bootstrap servers even when brokers are known, as those may all have
                been replaced.

        Raises:
            ClusterUnreachableError: no bootstrap server answered by then, or they are too old.
        """
        self._manager.allow_attempts()
        self._manager.forget_failure()
        if not self._manager.cluster.brokers() or again:
            self._bootstrap(deadline)
        release = self._manager.newest_release()
        if release and release < OLDEST_RELEASE:
            found, needed = (".".join(map(str, r)) for r in (release, OLDEST_RELEASE))
            why = f"the brokers are Kafka {found}; the exporter needs {needed} or later"
            self._manager.forget_versions()  # they may be upgraded by the next time
            raise ClusterUnreachableError(why, UNSUPPORTED)

    def why(self) -> str:
        """Tell of the failed connection in this cycle that says most; empty when none failed."""
        failure = self._manager.failure
        return failure.reason() if failure else ""

    def _bootstrap(self, deadline: float) -> None:
        """Ask all bootstrap servers at once, each once, and take the first answer."""
        cluster = self._manager.cluster
        servers = {server.node_id: server for server in cluster.bootstrap_brokers()}
        for node in servers:
            self._manager.reset_backoff(node)
        request = cluster.metadata_request
        answers = self.ask_any([Call("Metadata", node, request()) for node in servers], deadline)
        for node in servers:
            self._manager.call_soon(self._manager.close, node)
        answer = next((answer for answer in answers if answer.response is not None), None)
        if answer is None:
            failure = self._manager.failure
            if failure is not None:
                raise ClusterUnreachableError(failure.reason(), code_of(failure.error))
            silent = ", ".join(address_of(server) for server in servers.values())
            raise ClusterUnreachableError(f"no answer in time from {silent}", TIMED_OUT)
        self._wait_for(self._manager.call_soon(cluster.update_metadata, answer.response), deadline)
        if not cluster.brokers():
            server = address_of(servers[answer.call.broker])
            raise ClusterUnreachableError(f"{server}: the metadata name no broker", UNREACHABLE)

    def brokers(self) -> tuple[Broker, ...]:
        """Give the brokers that kafka-python knows, by ascending id."""
        known = self._manager.cluster.brokers()
        found = (Broker(b.node_id, b.host, b.port, b.rack) for b in known)
        return tuple(sorted(found, key=lambda broker: broker.id))

    def learn(self, brokers: Sequence[Broker], deadline: float) -> None:
        """Make sure that calls reach ``brokers`` where the newest metadata says they are."""
        known = {(broker.id, broker.address) for broker in self.brokers()}
        if all((broker.id, broker.address) in known for broker in brokers):
            return
        refreshed = self._manager.call_soon(self._manager.cluster.refresh_metadata)
        self._wait_for(refreshed, deadline)

    def supports(self, request: Any, version: int, broker: BrokerId) -> bool:  # noqa: ANN401 - kafka-python is untyped
        """Tell whether ``broker`` knows ``request``'s API at ``version`` or later.

        Brokers differ while a cluster is upgraded. Of one that has never been connected to the
        least is assumed.
        """
        return self._manager.supports(request, version, broker)

    def ask(self, calls: Sequence[Call], deadline: float, lanes: int = 1) -> list[Answer]:
        """Send all calls, each broker's beside the others', and wait until ``deadline``.

        Args:
            calls: in any order; those of one broker are sent in their order.
            deadline: on the clock of `time.monotonic`; what has not been answered by then has
                the code ``TIMED_OUT``.
            lanes: how many calls one broker may have under way at a time.

        Returns:
            One answer per call, in the order of ``calls``.
        """
        by_broker: dict[Node, deque[int]] = defaultdict(deque)
        for index, call in enumerate(calls):
            by_broker[call.broker].append(index)
        asked = _Asked(calls, one_is_enough=False)
        queues = [q for q in by_broker.values() for _ in range(min(lanes, len(q)))]
        self._send(asked, queues, deadline)
        return asked.so_far()

    def ask_any(
        self, calls: Sequence[Call], deadline: float, at_once: int | None = None
    ) -> list[Answer]:
        """Send calls as `ask` does, but wait only for the first response.

        Args:
            calls: all alike, for different brokers.
            deadline: on the clock of `time.monotonic`.
            at_once: how many may be under way at a time, all if not given; one that fails makes
                room for the next.

        Returns:
            The failures of the calls before it and then the response; failures of the calls that
            were sent when nobody responded by ``deadline``.
        """
        asked = _Asked(calls, one_is_enough=True)
        queue = deque(range(len(calls)))
        self._send(asked, [queue] * min(at_once or len(calls), len(calls)), deadline)
        sent = len(calls) - len(queue)
        answers = asked.so_far()[:sent]
        response = next((answer for answer in answers if not answer.code), None)
        if response is None:
            return answers
        refused = [a for a in answers if a.code not in ("", TIMED_OUT)]
        return [*refused, response]

    def take_requests(self) -> dict[tuple[str, str], int]:
        """Give the number of requests sent by (API name, broker id) since the last time."""
        taken, self._requests = self._requests, Counter()
        return dict(taken)

    def close(self) -> None:
        """Close all connections and end the network thread."""
        self._manager.close()
        self._net.stop(timeout_ms=2000)
        self._net.close()

    def _send(self, asked: "_Asked", queues: Sequence[deque[int]], deadline: float) -> None:
        for queue in queues:
            self._manager.call_soon(self._send_in_turn, queue, asked, deadline)
        asked.done.wait(max(0.0, deadline - time.monotonic()))

    async def _send_in_turn(self, queue: deque[int], asked: "_Asked", deadline: float) -> None:
        while queue and not asked.done.is_set():
            remaining = deadline - time.monotonic()
            if remaining <= 0:
                return
            index = queue.popleft()
            call = asked.calls[index]
            if isinstance(call.broker, int):
                self._requests[call.api, str(call.broker)] += 1
            try:
                sent = self._manager.send(
                    call.request, call.broker, request_timeout_ms=remaining * 1000
                )
                asked.answered(index, Answer(call, response=await sent))
            except Exception as error:  # noqa: BLE001 - whatever one call raises is that call's answer
                log.debug("broker=%s api=%s failed: %s", call.broker, call.api, error)
                asked.answered(index, Answer(call, code=code_of(error)))

    def _wait_for(self, future: Any, deadline: float) -> None:  # noqa: ANN401 - kafka-python's Future
        done = threading.Event()
        future.add_both(lambda _: done.set())
        done.wait(max(0.0, deadline - time.monotonic()))


class _Asked:
    """Calls that are under way and the answers that have come so far."""

    def __init__(self, calls: Sequence[Call], *, one_is_enough: bool) -> None:
        self.calls = calls
        self.done = threading.Event()
        self._answers: list[Answer | None] = [None] * len(calls)
        self._waiting_for = len(calls)
        self._one_is_enough = one_is_enough
        if not calls:
            self.done.set()

    def answered(self, index: int, answer: Answer) -> None:
        # Runs on the network thread only, so the count needs no lock.
        self._answers[index] = answer
        self._waiting_for -= 1
        if not self._waiting_for or (self._one_is_enough and not answer.code):
            self.done.set()

    def so_far(self) -> list[Answer]:
        return [
            answer or Answer(call, code=TIMED_OUT)
            for call, answer in zip(self.calls, list(self._answers), strict=True)
        ]
