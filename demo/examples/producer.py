"""Write 100 records to a topic: keys `key-0` to `key-99`, values `value-0` to `value-99`.

Slide 23 of the talk does the same in Java and closes the producer; here the delivery reports are
looked at, too, as a record that is not stored is told nowhere else.
"""

import argparse
import sys

from confluent_kafka import KafkaError, Message, Producer

RECORDS = 100


def main() -> int:
    """Write the records, and return the exit code: 0 when all of them are stored."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--bootstrap-servers", default="localhost:9092", metavar="HOST:PORT,…")
    parser.add_argument("--topic", default="my-topic")
    arguments = parser.parse_args()
    failures: list[KafkaError] = []

    def report(error: KafkaError | None, _: Message) -> None:
        if error is not None:
            failures.append(error)

    producer = Producer(
        {
            "bootstrap.servers": arguments.bootstrap_servers,
            "linger.ms": 1,
            "acks": "all",
            "enable.idempotence": True,
            "topic.metadata.propagation.max.ms": 5000,  # a topic that is not there is told sooner
        }
    )
    for number in range(RECORDS):
        producer.produce(
            arguments.topic, f"value-{number}", key=f"key-{number}", on_delivery=report
        )
        producer.poll(0)
    unsent = producer.flush(30)
    for error in failures[:1]:
        print(f"not stored: {error.str()}", file=sys.stderr)
    print(f"{RECORDS - len(failures) - unsent} of {RECORDS} records are in {arguments.topic}")
    return 1 if failures or unsent else 0


if __name__ == "__main__":
    sys.exit(main())
