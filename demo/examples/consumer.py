"""Read a topic as a member of a group, and print offset, key and value of each record.

Slide 24 of the talk in Python: polls every 100 ms, commits once a second. Ctrl-C leaves the group
in order. The talk's consumer begins with what comes next; this one with what is there (`earliest`).
"""

import argparse
import contextlib
import signal
import sys

from confluent_kafka import Consumer


def main() -> int:
    """Read until Ctrl-C, SIGTERM or the wanted number of records; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--bootstrap-servers", default="localhost:9092", metavar="HOST:PORT,…")
    parser.add_argument("--topic", default="my-topic")
    parser.add_argument("--group", default="test")
    parser.add_argument("--records", type=int, help="end after so many (default: never)")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    consumer = Consumer(
        {
            "bootstrap.servers": arguments.bootstrap_servers,
            "group.id": arguments.group,
            "enable.auto.commit": True,
            "auto.commit.interval.ms": 1000,
            "auto.offset.reset": "earliest",
        }
    )
    consumer.subscribe([arguments.topic])
    read = 0
    try:
        with contextlib.suppress(KeyboardInterrupt):
            while arguments.records is None or read < arguments.records:
                message = consumer.poll(0.1)
                if message is None:
                    continue
                error = message.error()
                if error is not None:
                    print(error.str(), file=sys.stderr)
                    continue
                read += 1
                key, value = (part and part.decode() for part in (message.key(), message.value()))
                print(f"offset = {message.offset()}, key = {key}, value = {value}", flush=True)
    finally:
        consumer.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
