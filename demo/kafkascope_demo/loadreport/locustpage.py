"""Locust's web page, as an API: begin a test with stages, end it."""

from typing import Final

import requests

from kafkascope_demo.web import WebError

_TIMEOUT_S: Final = 30.0


def swarm(locust: str, stages: str, user_rate: float) -> None:
    """Begin a test; one that runs is ended first.

    Args:
        locust: Address of Locust with the demo's locustfile.
        stages: Of the test.
        user_rate: Requests per second of each user at most; 0 for no limit.

    Raises:
        WebError: Locust does not answer, or refuses.
    """
    stop(locust)
    form = {
        "stages": stages,
        "loop": "off",
        "user_rate": str(user_rate),
        "user_count": "1",
        "spawn_rate": "1",
        "shape_class": "StagesShape",
        "user_classes": "HttpEventUser",
    }
    url = f"{locust}/swarm"
    try:
        answer = requests.post(url, data=form, timeout=_TIMEOUT_S)
        begun = answer.ok and answer.json()["success"]
    except (requests.RequestException, ValueError, KeyError) as error:
        raise WebError(url, f"the load does not begin: {error}") from error
    if not begun:
        raise WebError(url, f"the load does not begin: {answer.text[:200]}")


def stop(locust: str) -> None:
    """End the test that runs, if one does.

    Raises:
        WebError: Locust does not answer.
    """
    url = f"{locust}/stop"
    try:
        requests.post(url, timeout=_TIMEOUT_S)
    except requests.RequestException as error:
        raise WebError(url, f"Locust does not answer: {error}") from error
