"""Connections to brokers that refuse, differ or cannot be found, over local sockets."""

import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from kafka.protocol.consumer import OffsetFetchRequest
from kafka.protocol.metadata import MetadataRequest

from kafkascope_exporter.kafka.clients import kafka_python_configs
from kafkascope_exporter.kafka.resolving import Addresses, Resolver, look_up
from kafkascope_exporter.kafka.sockets import DirectSocket
from kafkascope_exporter.kafka.tokens import LoginTokens, Token, TokenSource
from kafkascope_exporter.kafka.wire import Call, ClusterUnreachableError, Wire
from tests.exporter.kafka.clustersettings import DEADLINE, NOWHERE, cluster, sasl
from tests.exporter.kafka.fakebroker import OFFSET_FETCH, FakeBroker, brokers
from tests.waiting import wait_until

_PATIENCE_S = 30.0
_NAME = "broker-2.test"


@contextmanager
def wired(server: str, *, deadline: float = DEADLINE, **fields: Any) -> Iterator[Wire]:  # noqa: ANN401 - settings, and configs of kafka-python
    """Connections as the exporter makes them; ``proxy_url`` goes to kafka-python as it is."""
    settings = {k: v for k, v in fields.items() if k in ("tls", "sasl")}
    given = {k: v for k, v in fields.items() if k not in settings}
    configs = kafka_python_configs(cluster(**{**settings, "servers": server}), deadline)
    wire = Wire({**configs, **given})
    try:
        yield wire
    finally:
        wire.close()


def soon(seconds: float = _PATIENCE_S) -> float:
    """A deadline so many seconds from now."""
    return time.monotonic() + seconds


def metadata(broker: int) -> Call:
    """A small request."""
    request = MetadataRequest(topics=[], allow_auto_topic_creation=False)
    return Call("Metadata", broker, request)


def ask(wire: Wire, *ids: int, seconds: float = _PATIENCE_S) -> list[str]:
    """Ask these brokers, and give the codes of their answers."""
    return [answer.code for answer in wire.ask([metadata(i) for i in ids], soon(seconds))]


def reason(wire: Wire) -> str:
    """Connect in vain and tell why."""
    with pytest.raises(ClusterUnreachableError) as caught:
        wire.connect(soon())
    return str(caught.value)


def test_a_wrong_password_is_sent_once_per_cycle_and_told() -> None:
    """Brokers and their audit logs notice each attempt."""
    broker = FakeBroker(["PLAIN"])
    broker.refuses = True
    with brokers(broker), wired(broker.address, sasl=sasl("plain")) as wire:
        told = reason(wire)
        assert told.startswith(f"{broker.address}: Authentication failed (--sasl.username, ")
        assert broker.logins == 1
        reason(wire)
        assert broker.logins == 2


def test_a_password_that_is_refused_later_is_sent_once_per_cycle() -> None:
    """However many calls the cycle has; when it is granted again, the next cycle gets through."""
    broker = FakeBroker(["PLAIN"])
    with brokers(broker), wired(broker.address, sasl=sasl("plain")) as wire:
        wire.connect(soon())
        assert ask(wire, 1) == [""]
        broker.refuses = True
        broker.drop_connections()
        wait_until(lambda: ask(wire, 1) == ["SASL_AUTHENTICATION_FAILED"], _PATIENCE_S, "a refusal")
        known = broker.logins

        assert [ask(wire, 1) for _ in range(5)] == [["SASL_AUTHENTICATION_FAILED"]] * 5
        assert broker.logins == known
        wire.connect(soon())
        assert ask(wire, 1) == ask(wire, 1) == ["SASL_AUTHENTICATION_FAILED"]
        assert broker.logins == known + 1

        broker.refuses = False
        wire.connect(soon())
        assert ask(wire, 1) == [""]


def test_a_certificate_that_we_refuse_is_asked_for_once_per_cycle(certificates: Path) -> None:
    """A handshake is as much of a nuisance as a login."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates / "app.crt", certificates / "app.key")
    strict = FakeBroker(tls=context)
    with brokers(strict), wired(strict.address, tls={"enabled": True}) as wire:
        told = reason(wire)
        assert "certificate verify failed" in told
        assert told.endswith("(--tls.ca-file, --tls.server-name)")
        assert "_ssl.c" not in told
        assert strict.connections == 1
        reason(wire)
        assert strict.connections == 2


@pytest.mark.parametrize(
    ("offered", "settings", "told"),
    [
        (
            ["SCRAM-SHA-256", "GSSAPI"],
            sasl("plain"),
            "it offers SCRAM-SHA-256, GSSAPI (--sasl.mechanism)",
        ),
        (["PLAIN"], {}, "closed the connection (this listener may want a login: --sasl.enabled)"),
        ([], sasl("plain"), "this listener wants no login: leave --sasl.enabled out"),
    ],
    ids=["mechanism", "login wanted", "no login wanted"],
)
def test_a_login_that_does_not_fit_is_told_with_the_flags(
    offered: list[str], settings: dict[str, object], told: str
) -> None:
    """One line, with the address that was tried."""
    broker = FakeBroker(offered)
    with brokers(broker), wired(broker.address, sasl=settings) as wire:
        line = reason(wire)

    assert line.startswith(f"{broker.address}: ")
    assert told in line
    assert "\n" not in line


def test_tls_to_a_listener_without_it_is_told_with_the_flag() -> None:
    """The broker takes the handshake for a message of absurd size, and closes."""
    broker = FakeBroker()
    with brokers(broker), wired(broker.address, tls={"enabled": True}) as wire:
        line = reason(wire)

    assert line.startswith(f"{broker.address}: the TLS handshake failed")
    assert line.endswith("(this listener may speak no TLS: --tls.enabled)")
    assert "_ssl.c" not in line


def test_a_server_that_refuses_is_passed_over() -> None:
    """All bootstrap servers are asked at once, so neither it nor a silent one costs time."""
    broker = FakeBroker()
    with socket.create_server(("127.0.0.1", 0)) as silent, brokers(broker):
        servers = f"127.0.0.1:1,127.0.0.1:{silent.getsockname()[1]},{broker.address}"
        with wired(servers) as wire:
            wire.connect(soon())
            assert [b.address for b in wire.brokers()] == [broker.address]


def test_one_living_broker_is_found_behind_many_that_are_down() -> None:
    """A few are asked at a time, and each that refuses makes room for the next."""
    living, down = FakeBroker(), [FakeBroker() for _ in range(8)]
    for broker in down:
        broker.close()
    everybody = dict(enumerate([*down, living], start=1))
    with brokers(living, peers=everybody), wired(living.address) as wire:
        wire.connect(soon())

        answers = wire.ask_any([metadata(i) for i in everybody], soon(), at_once=2)

    assert [answer.code for answer in answers] == ["NETWORK_EXCEPTION"] * 8 + [""]
    assert answers[-1].call.broker == 9


def test_only_calls_that_were_sent_have_failed() -> None:
    """A silent broker keeps its place until the deadline, and nothing is said of the others."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        broker, mute = FakeBroker(), FakeBroker()
        mute.port = silent.getsockname()[1]
        with brokers(broker, mute), wired(broker.address) as wire:
            wire.connect(soon())
            calls = [metadata(2), metadata(1)]

            assert [a.code for a in wire.ask_any(calls, soon(0.2), at_once=1)] == ["TIMED_OUT"]
            assert [a.code for a in wire.ask_any(calls, soon(), at_once=2)] == [""]
            assert wire.ask_any(calls, soon(-1)) == []


def test_versions_are_each_brokers_own_and_of_its_latest_connection() -> None:
    """In a rolling upgrade they differ, and change while the exporter runs."""
    old, new = FakeBroker(versions={OFFSET_FETCH: 7}), FakeBroker(versions={OFFSET_FETCH: 9})
    with brokers(old, new), wired(new.address) as wire:
        wire.connect(soon())
        assert ask(wire, 1, 2) == ["", ""]
        assert [wire.supports(OffsetFetchRequest, 8, i) for i in (1, 2)] == [False, True]

        old.versions[OFFSET_FETCH] = 9
        old.drop_connections()
        wait_until(lambda: ask(wire, 1) == [""], _PATIENCE_S, "a new connection")
        wait_until(
            lambda: ask(wire, 1) == [""] and wire.supports(OffsetFetchRequest, 8, 1),
            _PATIENCE_S,
            "the new version",
        )


class Hanging:
    """A resolver that answers, until it does not."""

    def __init__(self) -> None:
        self.answers = threading.Event()
        self.answers.set()
        self.asked = 0

    def __call__(self, host: str, port: int) -> Addresses:
        """Tell any name's address, the local one."""
        self.asked += 1
        assert self.answers.wait(_PATIENCE_S)
        assert host == _NAME
        return socket.getaddrinfo("127.0.0.1", port, type=socket.SOCK_STREAM)


@pytest.fixture
def hanging() -> Iterator[Hanging]:
    """Such a resolver, used by connections whose ``proxy_url`` is ``hanging://``."""
    lookup = Hanging()

    class HangingSocket(DirectSocket):
        SCHEMES = ("hanging",)
        resolver = Resolver(lookup)

    assert HangingSocket.SCHEMES == ("hanging",)
    yield lookup
    lookup.answers.set()


def test_a_name_that_is_not_resolved_stalls_no_other_broker(hanging: Hanging) -> None:
    """Its own call times out; the others are answered meanwhile."""
    hanging.answers.clear()
    near, named = FakeBroker(), FakeBroker(host=_NAME)
    with brokers(near, named), wired(near.address, proxy_url="hanging://") as wire:
        wire.connect(soon())
        assert ask(wire, 2, seconds=0.2) == ["TIMED_OUT"]
        assert hanging.asked == 1

        assert [ask(wire, 1) for _ in range(3)] == [[""]] * 3

        hanging.answers.set()
        wait_until(lambda: ask(wire, 2) == [""], _PATIENCE_S, "the named broker")
    assert not hanging.asked > 3


def test_the_last_good_address_serves_while_the_resolver_is_silent(hanging: Hanging) -> None:
    """A broker that reconnects during an outage of the resolver is reached."""
    broker = FakeBroker(host=_NAME)
    with brokers(broker), wired(broker.address, proxy_url="hanging://") as wire:
        wire.connect(soon())
        hanging.answers.clear()
        broker.drop_connections()
        known = broker.connections

        wait_until(
            lambda: ask(wire, 1) == [""] and broker.connections > known, _PATIENCE_S, "an answer"
        )


def test_an_address_that_is_silent_leaves_time_for_the_next_one() -> None:
    """As where IPv6 is dropped on the way, or one of several hosts behind a name is off."""
    broker = FakeBroker(host=_NAME)
    with socket.create_server(("127.0.0.2", 0), backlog=0) as silent, ExitStack() as full:
        for _ in range(4):  # more than its queue takes: the next one gets no answer
            waiting = full.enter_context(socket.socket())
            waiting.settimeout(0)
            waiting.connect_ex(silent.getsockname())

        class TwoAddresses(DirectSocket):
            SCHEMES = ("two",)
            resolver = Resolver(
                lambda _, port: [
                    *look_up(*silent.getsockname()),
                    *look_up("127.0.0.1", port),
                ]
            )

        assert TwoAddresses.SCHEMES == ("two",)
        with brokers(broker), wired(broker.address, proxy_url="two://") as wire:
            wire.connect(soon())
            assert wire.brokers()[0].host == _NAME


def test_a_name_that_does_not_exist_is_told() -> None:
    """With the address that was tried (RFC 6761: nothing is ever below ``invalid``)."""
    with wired("nowhere.invalid:9092") as wire:
        assert reason(wire).startswith("nowhere.invalid:9092: cannot resolve the name")


class Issuer:
    """A grant that answers when it may."""

    def __init__(self) -> None:
        self.answers = threading.Event()
        self.asked = threading.Event()

    def fetch(self) -> Token:
        """Wait for that."""
        self.asked.set()
        assert self.answers.wait(_PATIENCE_S)
        return Token("token", time.time(), time.time() + 600)


def test_a_silent_issuer_costs_the_login_and_no_more() -> None:
    """A login waits for the token beside other traffic, for as long as a connection may take."""
    login = sasl("oauthbearer", oauthbearer_token_url=NOWHERE)
    issuer, broker = Issuer(), FakeBroker(["OAUTHBEARER"])
    provider = LoginTokens(TokenSource(issuer))
    fields: dict[str, Any] = {"sasl": login, "sasl_oauth_token_provider": provider}
    with brokers(broker), wired(broker.address, deadline=1, **fields) as wire:
        assert "has not been answered yet" in reason(wire)
        assert broker.logins == 0

        issuer.answers.set()
        wait_until(lambda: provider.request() is None, _PATIENCE_S, "the token")
        wire.connect(soon())
        assert ask(wire, 1) == [""]


def test_a_login_goes_on_when_the_token_comes() -> None:
    """It is not given up for want of a token that is on its way."""
    login = sasl("oauthbearer", oauthbearer_token_url=NOWHERE)
    issuer, broker = Issuer(), FakeBroker(["OAUTHBEARER"])
    fields: dict[str, Any] = {
        "sasl": login,
        "sasl_oauth_token_provider": LoginTokens(TokenSource(issuer)),
    }
    with brokers(broker), wired(broker.address, **fields) as wire:

        def answer_when_asked() -> None:
            issuer.asked.wait(_PATIENCE_S)
            issuer.answers.set()

        answer = threading.Thread(target=answer_when_asked)
        answer.start()
        wire.connect(soon())
        answer.join()
        assert broker.logins == 1
