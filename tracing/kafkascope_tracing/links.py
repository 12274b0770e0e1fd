"""Links of one span to the creation contexts of many messages, within the SDK's limit."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from opentelemetry.trace import Link, Span

from kafkascope_tracing.attributes import DESTINATION_NAME, KAFKA_KEY, ClientAttributes, key_text

if TYPE_CHECKING:
    from kafkascope_tracing.telemetry import KafkaTelemetry


def creation_links(
    telemetry: KafkaTelemetry,
    attributes: ClientAttributes,
    messages: list[Any],
    *,
    batch: bool,
) -> list[Link]:
    """Return a link to the creation context of each message that has one.

    What is the same for all messages is on the span; a link tells what differs.

    Args:
        telemetry: Whose propagator reads the headers.
        attributes: Of the client.
        messages: Of the client; none of them an error.
        batch: Whether the span may be about several messages.
    """
    links: list[Link] = []
    places = {(message.topic(), message.partition()) for message in messages}
    several = len({topic for topic, _ in places}) > 1
    one_partition = len(places) == 1
    for message in messages:
        headers = message.headers()
        if not headers:
            continue
        try:
            created = telemetry.propagation.creation_context(headers)
        except Exception as error:  # noqa: BLE001 - headers hold whatever somebody put into them
            telemetry.spans.log(error)
            continue
        if not created.is_valid:
            continue
        if not batch:
            return [Link(created)]
        told = attributes.position(None if one_partition else message.partition(), message.offset())
        if several:
            told[DESTINATION_NAME] = message.topic()
        key = message.key()
        text = None if key is None else key_text(key)
        if text is not None:
            told[KAFKA_KEY] = text
        links.append(Link(created, told))
    return links


def in_chunks(
    links: Sequence[Link],
    messages: int,
    limit: int,
    make: Callable[[int, Sequence[Link]], Span],
) -> Iterator[Span]:
    """Make one span, or several where an SDK would drop links of one.

    The second and later spans link to the first, so that they are found from it.

    Args:
        links: All of them.
        messages: How many messages the spans are about; the first span counts what has no link.
        limit: How many links an SDK keeps.
        make: Starts a span about so many messages with these links.
    """
    head = links[:limit]
    first = make(messages - (len(links) - len(head)), head)
    yield first
    step = max(1, limit - 1)
    for place in range(len(head), len(links), step):
        chunk = links[place : place + step]
        yield make(len(chunk), [Link(first.get_span_context()), *chunk])
