"""Users that send events to the producer service over HTTP."""

import random
from http import HTTPStatus
from typing import Any, Final

from locust import HttpUser, constant_throughput, task

from kafkascope_demo.load.options import Load
from kafkascope_demo.load.talks import choose

PATH: Final = "/kafka/produce"
_ACK: Final = {"message": "ack"}
_SHOWN: Final = 200


class HttpEventUser(HttpUser):
    """Posts one event after the other; each answer must acknowledge its event."""

    host = "http://localhost:8080"

    def __init__(self, *arguments: Any, **named: Any) -> None:  # noqa: ANN401 - Locust's own
        super().__init__(*arguments, **named)
        load = Load.read(self.environment.parsed_options)
        self._timeout_s = load.timeout_s or None
        self._headers = {} if load.reuse_connections else {"Connection": "close"}
        self._pace = constant_throughput(load.user_rate) if load.user_rate else None
        self._chance = random.Random()  # noqa: S311 - no secret

    def wait_time(self) -> float:
        """Give the seconds until the next event."""
        return self._pace(self) if self._pace else 0.0

    @task
    def produce(self) -> None:
        """Post an event."""
        with self.client.post(
            PATH,
            json=_fields(self._chance),
            headers=self._headers,
            timeout=self._timeout_s,
            catch_response=True,
        ) as answer:
            if not answer.status_code:
                return  # there was no answer, and Locust says why
            if answer.status_code >= HTTPStatus.BAD_REQUEST:
                answer.failure(f"HTTP {answer.status_code} {answer.text[:_SHOWN].strip()}")
            elif not _acknowledges(answer):
                answer.failure(f"no acknowledgement: {answer.text[:_SHOWN]!r}")


def _fields(chance: random.Random) -> dict[str, str]:
    event = choose(chance)
    return {"title": event.title, "speaker": event.speaker, "date": event.date}


def _acknowledges(answer: Any) -> bool:  # noqa: ANN401 - requests' response, of Locust
    try:
        return bool(answer.json() == _ACK)
    except ValueError:
        return False
