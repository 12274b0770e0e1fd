"""Kill -9 of a consumer, the producer and a broker under load: what was acknowledged stays."""

import json
import logging
import re
import threading
from collections import Counter
from dataclasses import dataclass, field

import pytest
import requests

from kafkascope_demo.stack.local import LocalParts
from tests.waiting import wait_until

pytestmark = pytest.mark.timeout(300)

_log = logging.getLogger(__name__)

THREADS = 12
EVERY_S = 0.2
SAID = re.compile(r"Kafka says: (\{.*\})")


@dataclass
class Sender:
    """Posts events with titles of their own until told to end; nothing is sent twice.

    Args:
        url: Of the producer.
    """

    url: str
    acked: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    ending: threading.Event = field(default_factory=threading.Event)

    def run(self, name: str) -> None:
        """Post one after the other."""
        number = 0
        with requests.Session() as session:
            while not self.ending.wait(EVERY_S):
                number += 1
                title = f"kill-{name}-{number}"
                event = {"title": title, "speaker": "nobody", "date": "never"}
                try:
                    answer = session.post(f"{self.url}/kafka/produce", json=event, timeout=60)
                except requests.RequestException:
                    self.refused.append(title)
                    continue
                (self.acked if answer.ok else self.refused).append(title)


def wait_for_more(sender: Sender) -> None:
    """Wait for a hundred more acknowledgements."""
    acked = len(sender.acked)
    wait_until(lambda: len(sender.acked) > acked + 100, 60, "acknowledgements")


def titles_consumed(demo: LocalParts) -> Counter[str]:
    """Count the titles of this test that consumers have logged, restarted ones too."""
    found: Counter[str] = Counter()
    for log in (demo.directory / "logs").glob("consumer-*.log*"):
        for said in SAID.findall(log.read_text(encoding="utf-8", errors="replace")):
            title = json.loads(said)["title"]
            if title.startswith("kill-"):
                found[title] += 1
    return found


def test_acknowledged_events_survive_each_kill(demo: LocalParts) -> None:
    """Twice are only those that the killed consumer had worked off and not committed."""
    sender = Sender(demo.addresses().producer)
    threads = [
        threading.Thread(target=sender.run, args=(str(number),)) for number in range(THREADS)
    ]
    for thread in threads:
        thread.start()
    try:
        for victim in ("consumer-1", "broker-2", "producer"):
            wait_for_more(sender)
            demo.kill(victim)
            if victim == "broker-2":  # the others are started again by what keeps them up
                wait_for_more(sender)
                demo.start(victim)
        wait_for_more(sender)
    finally:
        sender.ending.set()
        for thread in threads:
            thread.join()
    demo.wait_until_healthy()
    wait_until(lambda: not set(sender.acked).difference(titles_consumed(demo)), 90, "every event")
    consumed = titles_consumed(demo)
    twice = sum(count - 1 for count in consumed.values())
    unasked = len(set(consumed) - set(sender.acked))
    _log.info(
        "%s acked, %s refused, none lost, %s consumed twice, %s stored though not acked",
        len(sender.acked),
        len(sender.refused),
        twice,
        unasked,
    )
    assert set(consumed) <= set(sender.acked) | set(sender.refused)
    assert twice < THREADS / EVERY_S * 6
