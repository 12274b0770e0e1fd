"""Which span processed a message: the one that a commit of its offset belongs to."""

from __future__ import annotations

from collections.abc import Iterator

from opentelemetry.trace import Span, SpanContext


class Processed:
    """The span of the last message processed of each partition, for the commit that follows.

    As many entries as there are partitions, of each group.
    """

    __slots__ = ("_spans",)

    def __init__(self) -> None:
        self._spans: dict[tuple[str | None, str, int], tuple[int, SpanContext]] = {}

    def note(self, topic: str, partition: int, offset: int, span: Span, group: str = "") -> None:
        """Note the span of a message.

        Args:
            topic: Of the message.
            partition: Of the message.
            offset: Of the message.
            span: That processed it.
            group: That it was processed for; empty where that is not known.
        """
        self._spans[group, topic, partition] = found = (offset, span.get_span_context())
        self._spans[None, topic, partition] = found

    def before(
        self, topic: str, partition: int, offset: int, group: str | None = None
    ) -> SpanContext | None:
        """Return the span of the message that a commit of ``offset`` is about.

        Args:
            topic: Of the commit.
            partition: Of the commit.
            offset: The next to be consumed.
            group: That commits; None where that is not known.
        """
        found = [each for each in self._of(topic, partition, group) if each[0] < offset]
        return max(found, key=lambda each: each[0])[1] if found else None

    def at(
        self, topic: str, partition: int, offset: int, group: str | None = None
    ) -> SpanContext | None:
        """Return the span of one message, if it is the last of its partition."""
        found = (each[1] for each in self._of(topic, partition, group) if each[0] == offset)
        return next(found, None)

    def _of(
        self, topic: str, partition: int, group: str | None
    ) -> Iterator[tuple[int, SpanContext]]:
        """Find the last message of a partition that this group processed, or an unknown one."""
        for name in (group, "") if group else (group,):
            found = self._spans.get((name, topic, partition))
            if found is not None:
                yield found
