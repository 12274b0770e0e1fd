"""What can be made wrong with the consumer on purpose."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from kafkascope_demo.faults import BadFaultError, number

_DELAY_S: Final = 1.0
_LONGEST_DELAY_S: Final = 60.0


@dataclass(frozen=True, slots=True)
class ProcessingFault:
    """How the consumer treats messages.

    Args:
        processing: ``slow`` takes its time over each; ``stuck`` polls, and neither processes nor
            commits; ``normal`` does its work.
        delay_s: How long ``slow`` takes.
    """

    processing: Literal["normal", "slow", "stuck"]
    delay_s: float = _DELAY_S


def read_fault(body: Mapping[str, Any]) -> ProcessingFault:
    """Read a fault from a request.

    Raises:
        BadFaultError: There is no such fault.
    """
    delay_s = number(body, "delay_seconds", _DELAY_S, _LONGEST_DELAY_S)
    match body.get("processing"):
        case "normal":
            return ProcessingFault("normal", delay_s)
        case "slow":
            return ProcessingFault("slow", delay_s)
        case "stuck":
            return ProcessingFault("stuck", delay_s)
    raise BadFaultError("processing is not normal, slow or stuck")


def show_fault(fault: ProcessingFault | None) -> dict[str, Any]:
    """Make JSON of a fault; none is ``normal``."""
    shown = fault or ProcessingFault("normal")
    return {"processing": shown.processing, "delay_seconds": shown.delay_s}
