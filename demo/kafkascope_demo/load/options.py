"""Options of the load: on Locust's command line, in its environment, and on its web page."""

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Self

from kafkascope_demo.load.stages import TALK, Stage, parse_stages


class DefaultStages(str):
    """The stages that nobody asked for: a number of users that somebody asks for counts more."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Load:
    """What the load is to be.

    Args:
        stages: Of the test; none: as many users as Locust is told.
        loop: Whether the stages begin again when they are over.
        user_rate: Requests per second that a user makes at most; 0 for no pause between them.
        reuse_connections: Whether a user keeps its connection.
        timeout_s: Seconds that a user waits for an answer.
    """

    stages: tuple[Stage, ...]
    loop: bool
    user_rate: float
    reuse_connections: bool
    timeout_s: float

    @classmethod
    def read(cls, options: argparse.Namespace) -> Self:
        """Read the options as they are now: the web page changes them.

        Raises:
            ValueError: One is not what it can be; those of the command line are checked already.
        """
        return cls(
            stages=parse_stages(options.stages),
            loop=_on_off(options.loop) == "on",
            user_rate=_at_least_0(options.user_rate),
            reuse_connections=_on_off(options.no_connection_reuse) == "off",
            timeout_s=_at_least_0(options.request_timeout),
        )


@dataclass(frozen=True, slots=True)
class Thresholds:
    """What a test must not exceed; None for no limit.

    Args:
        fail_ratio: Share of the requests that may fail, from 0 to 1.
        p95_ms: Milliseconds that 95 % of the requests may take.
        p99_ms: Milliseconds that 99 % of the requests may take.
    """

    fail_ratio: float | None
    p95_ms: float | None
    p99_ms: float | None

    @classmethod
    def read(cls, options: argparse.Namespace) -> Self:
        """Read them from the options."""
        return cls(options.max_fail_ratio, options.max_p95, options.max_p99)


_HELP: Final = (
    f"durations and the users at their ends, such as {TALK} (the talk's, and the default unless "
    "a number of users is given); 0 for none"
)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options to Locust's."""

    def add(flag: str, variable: str, check: Callable[[Any], object], **rest: object) -> None:
        # Arguments of ConfigArgParse and of Locust, which argparse's types do not have.
        more: dict[str, Any] = {"env_var": variable, **rest}
        parser.add_argument(flag, type=check, **more)

    add("--stages", "STAGES", _stages, default=DefaultStages(TALK), help=_HELP)
    add("--loop", "LOOP", _on_off, default="off", help="on: begin again after the last stage")
    add(
        "--user-rate",
        "USER_RATE",
        _at_least_0,
        default=0.0,
        help="requests per second that a user makes at most; 0: each as soon as the last is over",
    )
    add(
        "--no-connection-reuse",
        "NO_CONNECTION_REUSE",
        _on_off,
        default="off",
        help="on: a new connection for each request, as in the talk",
    )
    add(
        "--request-timeout",
        "REQUEST_TIMEOUT",
        _at_least_0,
        default=60.0,
        help="seconds that a user waits for an answer",
    )
    limits = {
        "fail-ratio": "the share of requests that fail (0 to 1)",
        "p95": "the time of 95 percent of the requests (ms)",
        "p99": "the time of 99 percent of the requests (ms)",
    }
    for name, what in limits.items():
        add(
            f"--max-{name}",
            f"MAX_{name}".upper().replace("-", "_"),
            _share if name == "fail-ratio" else _at_least_0,
            include_in_web_ui=False,
            help=f"exit code 1 when {what} is above this",
        )


def _stages(text: str) -> str:
    try:
        parse_stages(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
    return text


def _on_off(text: str) -> str:
    if text not in {"on", "off"}:
        raise argparse.ArgumentTypeError(f"{text!r} is neither on nor off")
    return text


def _share(text: str) -> float:
    number = _at_least_0(text)
    if number > 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no share: from 0 to 1")
    return number


def _at_least_0(text: str | float) -> float:
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not 0 <= number < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of at least 0")
    return number
