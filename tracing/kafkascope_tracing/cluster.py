"""The cluster's id, without ever waiting for it."""

from __future__ import annotations

import weakref
from typing import Any

from kafkascope_tracing.attributes import ClientAttributes


class ClusterId:
    """Asks a client for the id that it knows already (confluent-kafka 2.16 and later).

    Never from within a callback of the client: ``cluster_id`` there takes away the state by which
    the client calls its next callback, and the process aborts (``CallState_get``, 2.16.1). Whoever
    polls or flushes is outside of callbacks.

    Args:
        client: Of one of our classes: it is referred to weakly, as one of the C classes cannot be.
    """

    __slots__ = ("_asked", "_client")

    def __init__(self, client: Any) -> None:  # noqa: ANN401 - any client
        self._asked = 0
        self._client: weakref.ref[Any] | None = None
        if hasattr(client, "cluster_id"):
            self._client = weakref.ref(client)

    def learn(self, attributes: ClientAttributes) -> None:
        """Put the id into the attributes, once it is known; asks ever more seldom until then."""
        if not self.is_due():
            return
        client = None if self._client is None else self._client()
        try:
            cluster_id = "" if client is None else client.cluster_id(0)
        except Exception:  # noqa: BLE001 - not known yet, or the client is closed
            return
        self.take(cluster_id, attributes)

    def is_due(self) -> bool:
        """Whether to ask now: the id is not known, and the 1st, 2nd, 4th, 8th … time has come."""
        if self._client is None:
            return False
        self._asked += 1
        return not self._asked & (self._asked - 1)

    def take(self, cluster_id: object, attributes: ClientAttributes) -> None:
        """Put what a client answered into the attributes, if it knows the id."""
        if isinstance(cluster_id, str) and cluster_id:
            attributes.cluster_id = cluster_id
            self._client = None
