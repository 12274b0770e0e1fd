import resource
import socket
from contextlib import ExitStack, closing

import pytest

from kafkascope_exporter import server
from kafkascope_exporter.config import Web


def test_without_a_host_it_listens_on_ipv4_and_ipv6() -> None:
    """As danielqsj's `:9308` does."""
    (bound,) = server.listen(Web(listen_host="", listen_port=0))
    with closing(bound):
        port = bound.getsockname()[1]
        for host in ("127.0.0.1", *(["::1"] if socket.has_dualstack_ipv6() else [])):
            socket.create_connection((host, port), timeout=20).close()


def test_localhost_is_bound_wherever_this_machine_has_it() -> None:
    """On IPv4 at the least; a container without IPv6 has a name for `::1` all the same."""
    with ExitStack() as bound:
        listeners = server.listen(Web(listen_host="localhost", listen_port=0))
        for listener in listeners:
            bound.enter_context(closing(listener))
        assert "127.0.0.1" in {listener.getsockname()[0] for listener in listeners}


def test_an_address_of_another_machine_is_refused_by_name() -> None:
    """203.0.113.0/24 is documentation's (RFC 5737): nobody has it."""
    with pytest.raises(
        server.ServerError, match=r"^--web.listen-address=203.0.113.1:0: .+ address"
    ):
        server.listen(Web(listen_host="203.0.113.1", listen_port=0))


def test_a_host_that_cannot_be_found_is_refused_by_name() -> None:
    """The name is shown as it was given."""
    with pytest.raises(server.ServerError, match=r"^--web.listen-address=nowhere.invalid:9308: "):
        server.listen(Web(listen_host="nowhere.invalid", listen_port=9308))


def test_the_limit_of_descriptors_is_raised_to_what_is_allowed() -> None:
    """A shell's usual 1,024 would be used up by connections."""
    (bound,) = server.listen(Web(listen_host="127.0.0.1", listen_port=0))
    bound.close()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    assert soft == hard
