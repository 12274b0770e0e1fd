"""The demo's load, for Locust: `locust -f demo/locustfile.py`, or `make load`; see docs/load.md.

Users of HTTP are there unless others are named (`locust -f demo/locustfile.py KafkaEventUser`) or
picked on the web page (`--class-picker`).
"""

from kafkascope_demo.load.httpuser import HttpEventUser
from kafkascope_demo.load.kafkauser import KafkaEventUser
from kafkascope_demo.load.session import join

__all__ = ["HttpEventUser", "KafkaEventUser"]

join()
