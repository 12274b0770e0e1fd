"""Answers of ``/health`` and ``/healthz``, in the shape of Helidon's MicroProfile Health."""

from typing import Any

from flask import Response, jsonify


def health(name: str, problem: str | None, data: dict[str, Any]) -> tuple[Response, int]:
    """Answer with the one check that there is: 200 and UP, or 503 and DOWN.

    Args:
        name: Of the check.
        problem: What is wrong; None when nothing is.
        data: More about it.
    """
    status = "UP" if problem is None else "DOWN"
    more = data if problem is None else {**data, "reason": problem}
    check = {"name": name, "status": status, "data": more}
    return jsonify(status=status, checks=[check]), 200 if problem is None else 503
