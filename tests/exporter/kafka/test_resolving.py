"""Names to addresses, when the resolver answers, refuses, or says nothing."""

import socket
import threading
import time
from collections.abc import Iterator

import pytest
from kafka.errors import KafkaConnectionError, KafkaTimeoutError
from kafka.net.selector import NetworkSelector

from kafkascope_exporter.kafka.resolving import Addresses, Resolver

_PATIENCE_S = 30.0


def numeric(address: str) -> Addresses:
    """What the system's resolver says of an address."""
    return socket.getaddrinfo(address, 9092, type=socket.SOCK_STREAM)


class Names:
    """A resolver with one answer, which a test can change."""

    def __init__(self) -> None:
        self.answer: Addresses | OSError | UnicodeError = numeric("127.0.0.1")
        self.answers = threading.Event()
        self.answers.set()
        self.asked = 0

    def __call__(self, host: str, port: int) -> Addresses:
        """Answer when it may."""
        assert (host, port) == ("kafka.test", 9092)
        self.asked += 1
        assert self.answers.wait(_PATIENCE_S)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@pytest.fixture
def names() -> Iterator[Names]:
    """One that answers at once."""
    made = Names()
    yield made
    made.answers.set()


@pytest.fixture
def net() -> Iterator[NetworkSelector]:
    """kafka-python's event loop on its thread."""
    loop = NetworkSelector()
    loop.start()
    yield loop
    loop.stop(timeout_ms=2000)
    loop.close()


def resolve(
    net: NetworkSelector, resolver: Resolver, host: str = "kafka.test", seconds: float = _PATIENCE_S
) -> Addresses:
    """Resolve on the network thread."""
    found: Addresses = net.run(resolver.resolve, net, host, 9092, time.monotonic() + seconds)
    return found


def test_every_connection_asks_anew(net: NetworkSelector, names: Names) -> None:
    """A broker's pod gets another address when it is restarted."""
    resolver = Resolver(names)
    assert resolve(net, resolver) == numeric("127.0.0.1")
    names.answer = numeric("127.0.0.2")

    assert resolve(net, resolver) == numeric("127.0.0.2")


def test_an_address_needs_no_resolver(net: NetworkSelector, names: Names) -> None:
    """Neither of the fourth nor of the sixth version."""
    resolver = Resolver(names)
    assert resolve(net, resolver, "127.0.0.3")[0][4] == ("127.0.0.3", 9092)
    assert resolve(net, resolver, "::1")[0][4][0] == "::1"
    assert names.asked == 0


def test_the_loop_goes_on_while_the_resolver_is_silent(net: NetworkSelector, names: Names) -> None:
    """Another task runs and ends before the answer comes."""
    names.answers.clear()
    waiting = net.call_soon_with_future(
        Resolver(names).resolve, net, "kafka.test", 9092, time.monotonic() + _PATIENCE_S
    )

    assert net.run(lambda: "went on") == "went on"

    assert not waiting.is_done
    names.answers.set()
    done = threading.Event()
    waiting.add_both(lambda _: done.set())
    assert done.wait(_PATIENCE_S)
    assert waiting.value == numeric("127.0.0.1")


def test_one_name_is_looked_up_once_at_a_time(net: NetworkSelector, names: Names) -> None:
    """However many connections wait, a silent resolver costs one thread for each name."""
    names.answers.clear()
    resolver = Resolver(names)
    for _ in range(3):
        with pytest.raises(KafkaTimeoutError, match="not resolved in time"):
            resolve(net, resolver, seconds=0.01)

    assert names.asked == 1


def test_the_last_good_address_stands_in_for_no_answer(net: NetworkSelector, names: Names) -> None:
    """Whether the resolver is silent or says that it cannot tell for now."""
    resolver = Resolver(names)
    good = resolve(net, resolver)

    names.answer = socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
    assert resolve(net, resolver) == good
    names.answers.clear()
    assert resolve(net, resolver) == good


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (socket.gaierror(socket.EAI_NONAME, "Name or service not known"), "not known"),
        (UnicodeError("label too long"), "label too long"),
    ],
    ids=["unknown", "malformed"],
)
def test_a_name_that_is_no_more_has_no_address(
    net: NetworkSelector, names: Names, answer: OSError | UnicodeError, reason: str
) -> None:
    """What it was good for may be another cluster's now."""
    resolver = Resolver(names)
    resolve(net, resolver)
    names.answer = answer

    with pytest.raises(KafkaConnectionError, match=f"cannot resolve the name: .*{reason}"):
        resolve(net, resolver)
