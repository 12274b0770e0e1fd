"""Write records whose keys decide the partition, by the rule of the talk's custom partitioner.

Of n partitions, a key that begins with a lower-case letter goes to n-2, one with an upper-case
letter to n-1, any other to n-3; a record without a key is an error. Java's producer is given a
partitioner class; librdkafka's is given the partition with each record.
"""

import argparse
import sys

from confluent_kafka import KafkaException, Producer

LEAST_PARTITIONS = 3
ANSWER_S = 10.0


def choose_partition(key: str | None, partitions: int) -> int:
    """Give the partition of a key.

    Args:
        key: The record's key.
        partitions: How many partitions the topic has; at least 3.

    Raises:
        ValueError: There is no key, or there are fewer than 3 partitions.
    """
    if not key:
        raise ValueError("this partitioner needs a key in every record")
    if partitions < LEAST_PARTITIONS:
        raise ValueError(f"this partitioner needs 3 partitions, and the topic has {partitions}")
    if key[0].islower():
        return partitions - 2
    if key[0].isupper():
        return partitions - 1
    return partitions - 3


def count_partitions(producer: Producer, topic: str) -> int:
    """Give the number of a topic's partitions.

    Raises:
        KafkaException: There is no such topic, or no broker answers.
    """
    found = producer.list_topics(topic, ANSWER_S).topics[topic]
    if found.error is not None:
        raise KafkaException(found.error)
    return len(found.partitions)


def main() -> int:
    """Write a record for each key on the command line, and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--bootstrap-servers", default="localhost:9092", metavar="HOST:PORT,…")
    parser.add_argument("--topic", default="my-topic")
    parser.add_argument("keys", nargs="+", metavar="KEY")
    arguments = parser.parse_args()
    producer = Producer({"bootstrap.servers": arguments.bootstrap_servers, "acks": "all"})
    stored = 0

    def report(error: object, message: object) -> None:
        nonlocal stored
        stored += error is None
        if error is not None:
            print(f"not stored: {error}: {message}", file=sys.stderr)

    try:
        partitions = count_partitions(producer, arguments.topic)
        for key in arguments.keys:
            partition = choose_partition(key, partitions)
            producer.produce(
                arguments.topic, f"to {key}", key=key, partition=partition, on_delivery=report
            )
            print(f"{key} goes to partition {partition}")
    except (KafkaException, ValueError) as error:
        reason = error.args[0]
        print(reason.str() if isinstance(error, KafkaException) else reason, file=sys.stderr)
        return 1
    producer.flush(30)
    return 0 if stored == len(arguments.keys) else 1


if __name__ == "__main__":
    sys.exit(main())
