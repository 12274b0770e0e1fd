"""Whether an event that Strimzi's Kafka Bridge takes is stored and processed as any other."""

import json
from collections.abc import Iterator, Mapping
from typing import Final

import requests

from kafkascope_demo import web
from kafkascope_demo.addresses import Addresses
from kafkascope_demo.verify.eventflow import flow
from kafkascope_demo.verify.report import Check, Outcome

_NAME: Final = "an event goes through the Kafka Bridge to the consumer group"
_JSON: Final = "application/vnd.kafka.json.v2+json"
_FIX: Final = "see that the KafkaBridge is ready, and that its user may write to the topic"
_TIMEOUT_S: Final = 30.0


def _run(addresses: Addresses) -> Iterator[Outcome]:
    url = f"{addresses.bridge}/topics/{addresses.topic}"

    def post(sent: Mapping[str, str]) -> str:
        """Post a record as the Bridge takes them (its API: ``POST /topics/{topicname}``)."""
        body = json.dumps({"records": [{"value": dict(sent)}]})
        try:
            answer = requests.post(
                url, data=body, headers={"Content-Type": _JSON}, timeout=_TIMEOUT_S
            )
        except requests.RequestException as error:
            raise web.WebError(url, str(error)) from error
        if not answer.ok:
            raise web.WebError(url, f"HTTP {answer.status_code} {answer.text}", answer.status_code)
        for offset in answer.json()["offsets"]:
            if "error_code" in offset:
                raise web.WebError(url, f"{offset['error_code']} {offset.get('message')}")
        return answer.text.strip()

    yield flow(addresses, _NAME, post, _FIX)


CHECK = Check(_NAME, _run, _FIX)
