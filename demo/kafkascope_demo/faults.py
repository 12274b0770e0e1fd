"""Faults that are switched on over HTTP and that expire, so that nobody can forget one."""

import math
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, Final, Generic, TypeVar

from flask import Blueprint, Response, jsonify, request

F = TypeVar("F")
_EXPIRES_S: Final = 120.0
_LONGEST_S: Final = 3600.0


class FaultSwitch(Generic[F]):
    """One fault, or none. Safe to use from every thread.

    Args:
        clock: Seconds that only grow.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._fault: F | None = None
        self._ends_at = 0.0

    def set(self, fault: F, expires_s: float) -> None:
        """Switch a fault on, in the place of the one there was."""
        with self._lock:
            self._fault, self._ends_at = fault, self._clock() + expires_s

    def clear(self) -> None:
        """Switch the fault off."""
        with self._lock:
            self._fault = None

    def get(self) -> tuple[F, float] | None:
        """Give the fault and the seconds that it has left; None when there is none."""
        with self._lock:
            left = self._ends_at - self._clock()
            return None if self._fault is None or left <= 0 else (self._fault, left)

    @property
    def fault(self) -> F | None:
        """The fault alone."""
        found = self.get()
        return found and found[0]


class BadFaultError(Exception):
    """A request names a fault that there is not."""


def number(body: Mapping[str, Any], name: str, default: float, most: float) -> float:
    """Read a number of seconds from a request.

    Raises:
        BadFaultError: It is none, or out of bounds.
    """
    found = body.get(name, default)
    if isinstance(found, bool) or not isinstance(found, (int, float)):
        raise BadFaultError(f"{name} is not a number")
    if not math.isfinite(found) or not 0 < found <= most:
        raise BadFaultError(f"{name} is not above 0 and at most {most:g}")
    return float(found)


def fault_control(
    switch: FaultSwitch[F],
    read: Callable[[Mapping[str, Any]], F],
    show: Callable[[F | None], dict[str, Any]],
) -> Blueprint:
    """Make the resource ``/faults``: GET tells the fault, PUT sets it, DELETE ends it.

    Args:
        switch: What it works on.
        read: Makes a fault of a request's JSON; raises ``BadFaultError``.
        show: Makes JSON of a fault.
    """
    control = Blueprint("faults", __name__)

    @control.get("/faults")
    def get_faults() -> Response:
        found = switch.get()
        body = show(found and found[0])
        return jsonify(body | {"expires_seconds": found and round(found[1], 3)})

    @control.put("/faults")
    def put_faults() -> Response | tuple[Response, int]:
        body = request.get_json(silent=True)
        if not isinstance(body, dict):
            return jsonify(message="a fault is a JSON object"), 400
        try:
            switch.set(read(body), number(body, "expires_seconds", _EXPIRES_S, _LONGEST_S))
        except BadFaultError as error:
            return jsonify(message=str(error)), 400
        return get_faults()

    @control.delete("/faults")
    def delete_faults() -> Response:
        switch.clear()
        return get_faults()

    return control
