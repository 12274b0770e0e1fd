"""One connection per broker, and many requests asked at once under one deadline.

This is the only file that touches kafka-python's connection layer (``kafka.net``), which is less
stable than its public clients; ``tests/integration/test_wire.py`` is the contract that a new
release of it has to pass. What the public ``KafkaAdminClient`` lacks and collection needs: a
request to a broker of our choice, a deadline per request, and an answer per request instead of
one exception for all.
"""

import logging
import os
import re
import threading
import time
from collections import Counter, defaultdict, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kafka.errors import (
    BrokerResponseError,
    Cancelled,
    IncompatibleBrokerVersion,
    KafkaConnectionError,
    KafkaError,
    KafkaTimeoutError,
    NodeNotReadyError,
    RequestTimedOutError,
    SaslAuthenticationFailedError,
    UnknownBrokerIdError,
    for_code,
)
from kafka.net.manager import KafkaConnectionManager
from kafka.net.selector import NetworkSelector

from kafkascope_exporter.model import Broker, BrokerId, Failure

log = logging.getLogger(__name__)

TIMED_OUT = "TIMED_OUT"
UNREACHABLE = "NETWORK_EXCEPTION"
UNSUPPORTED = "UNSUPPORTED_VERSION"

OLDEST_RELEASE = (0, 11)
"""Brokers before this one lack ListOffsets with an isolation level (version 2)."""

_CODES: tuple[tuple[type[KafkaError], str], ...] = (
    (KafkaTimeoutError, TIMED_OUT),
    (RequestTimedOutError, TIMED_OUT),
    (NodeNotReadyError, UNREACHABLE),
    (KafkaConnectionError, UNREACHABLE),
    (UnknownBrokerIdError, UNREACHABLE),
    (Cancelled, UNREACHABLE),
    (IncompatibleBrokerVersion, UNSUPPORTED),
)


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


def error_name(code: int) -> str:
    """Name Kafka's error ``code`` as the protocol guide does; empty for 0 (no error)."""
    if code == 0:
        return ""
    error = for_code(code)
    return str(getattr(error, "message", None) or f"ERROR_{code}")


class Wire:
    """Connections to the brokers of one cluster, made when first needed.

    Args:
        configs: kafka-python's configuration names and values (`clients.kafka_python_configs`).

    All methods are for one calling thread; the network is served by a thread of kafka-python's.
    """

    def __init__(self, configs: Mapping[str, Any]) -> None:
        self._net = NetworkSelector(**configs)
        self._manager = _Connections(self._net, **configs)
        self._net.start()
        self._requests: Counter[tuple[str, str]] = Counter()

    def connect(self, deadline: float, *, again: bool = False) -> None:
        """Learn the brokers from any bootstrap server, unless they are known already.

        Args:
            deadline: when to give up, on the clock of `time.monotonic`.
            again: ask the bootstrap servers even when brokers are known, as those may all have
                been replaced.

        Raises:
            ClusterUnreachableError: no bootstrap server answered by then, or they are too old.
        """
        if not self._manager.cluster.brokers() or again:
            self._bootstrap(deadline)
        release = tuple(self._manager.broker_version or ())
        if release and release < OLDEST_RELEASE:
            found, needed = (".".join(map(str, r)) for r in (release, OLDEST_RELEASE))
            why = f"the brokers are Kafka {found}; the exporter needs {needed} or later"
            raise ClusterUnreachableError(why, UNSUPPORTED)

    def _bootstrap(self, deadline: float) -> None:
        self._forget_auth_failures()
        self._manager.forget_failure()
        timeout_ms = max(1.0, (deadline - time.monotonic()) * 1000)
        try:
            self._manager.bootstrap(timeout_ms)
        except KafkaError as error:
            reason = self._manager.last_failure or error
            raise ClusterUnreachableError(_one_line(reason), _code(reason)) from error

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

    def supports(self, request: Any, version: int) -> bool:  # noqa: ANN401 - kafka-python is untyped
        """Tell whether the brokers know ``request``'s API at ``version`` or later."""
        data = self._manager.broker_version_data
        try:
            return data is not None and data.api_version(request) >= version
        except IncompatibleBrokerVersion:
            return False

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
        asked = _Asked(calls, one_is_enough=False)
        self._send(asked, deadline, lanes)
        return asked.so_far()

    def ask_any(self, calls: Sequence[Call], deadline: float) -> list[Answer]:
        """Send all calls as `ask` does, but wait only for the first response.

        Returns:
            The failures of the calls before it and then the response; failures only when
            nobody responded by ``deadline``.
        """
        asked = _Asked(calls, one_is_enough=True)
        self._send(asked, deadline, lanes=1)
        answers = asked.so_far()
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

    def _send(self, asked: "_Asked", deadline: float, lanes: int) -> None:
        self._forget_auth_failures()
        queues: dict[BrokerId, deque[int]] = defaultdict(deque)
        for index, call in enumerate(asked.calls):
            queues[call.broker].append(index)
        for queue in queues.values():
            for _ in range(min(lanes, len(queue))):
                self._manager.call_soon(self._send_in_turn, queue, asked, deadline)
        asked.done.wait(max(0.0, deadline - time.monotonic()))

    async def _send_in_turn(self, queue: deque[int], asked: "_Asked", deadline: float) -> None:
        while queue:
            index = queue.popleft()
            call = asked.calls[index]
            remaining = deadline - time.monotonic()
            if remaining <= 0:
                return
            self._requests[call.api, str(call.broker)] += 1
            try:
                sent = self._manager.send(
                    call.request, call.broker, request_timeout_ms=remaining * 1000
                )
                asked.answered(index, Answer(call, response=await sent))
            except Exception as error:  # noqa: BLE001 - whatever one call raises is that call's answer
                log.debug("broker=%s api=%s failed: %s", call.broker, call.api, error)
                asked.answered(index, Answer(call, code=_code(error)))

    def _forget_auth_failures(self) -> None:
        # kafka-python never tries a broker again that once refused the credentials; they may
        # have been granted since.
        self._manager._auth_failures.clear()  # noqa: SLF001 - it has no public way to try again

    def _wait_for(self, future: Any, deadline: float) -> None:  # noqa: ANN401 - kafka-python's Future
        done = threading.Event()
        future.add_both(lambda _: done.set())
        done.wait(max(0.0, deadline - time.monotonic()))


class _Connections(KafkaConnectionManager):  # type: ignore[misc] # kafka-python is untyped
    """Remembers why connections failed, which kafka-python only logs.

    Of several failures it is the last of those that say most: a refused login, then anything but
    a timeout, as that may only be the end of the time that was left.
    """

    last_failure: Exception | None = None

    def get_connection(self, *args: Any, **options: Any) -> Any:  # noqa: ANN401 - kafka-python is untyped
        connection = super().get_connection(*args, **options)
        connection.init_future.add_errback(self._failed)
        return connection

    def forget_failure(self) -> None:
        """Forget it, so that what is remembered next is of the next attempt."""
        self.last_failure = None

    def _failed(self, error: Exception) -> None:
        if self.last_failure is None or _says(error) >= _says(self.last_failure):
            self.last_failure = error


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


def _code(error: Exception) -> str:
    for kind, code in _CODES:
        if isinstance(error, kind):
            return code
    if isinstance(error, BrokerResponseError):
        return str(error.message or type(error).__name__)
    return type(error).__name__


def _says(error: Exception) -> int:
    if isinstance(error, SaslAuthenticationFailedError):
        return 2
    return 0 if _code(error) == TIMED_OUT else 1


def _one_line(error: Exception) -> str:
    """Say what kafka-python raised without the names of its classes."""
    said = " ".join(str(argument) for argument in error.args) or type(error).__name__
    if refused := re.fullmatch(r"(\d+) E[A-Z]+", said):
        said = os.strerror(int(refused[1]))
    if said == "socket disconnected":
        said = "the broker closed the connection: credentials, --tls or --sasl flags do not fit"
    return " ".join(said.split()).removeprefix("SaslAuthenticationFailedError: ")
