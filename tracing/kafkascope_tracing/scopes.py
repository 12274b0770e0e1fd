"""Contexts that are current for a while, left by identity.

A scope restores what was current before it only where its own context is still the current one. So
a scope that ends in another thread, task or generator than it began in changes nothing there, and
nothing is ever logged as "failed to detach". Where its context stays behind, the next scope that
begins there leaves it.
"""

from __future__ import annotations

from typing import ClassVar, Final

from opentelemetry.context import Context, attach, create_key, get_current
from opentelemetry.trace import INVALID_SPAN, Span, set_span_in_context

_SCOPE: Final = create_key("kafkascope-scope")
_SPAN: Final = next(iter(set_span_in_context(INVALID_SPAN, Context())))
"""The key under which a context has its span."""
_NOTHING: Final = Context()


def with_span(span: Span, context: Context) -> Context:
    """Return a context with a span in it, in half the time of ``set_span_in_context``."""
    return Context({**context, _SPAN: span}) if context else Context(((_SPAN, span),))


class Scope:
    """Makes a context the current one and leaves it again.

    Args:
        subject: What it is about.
    """

    __slots__ = ("__weakref__", "_made", "_previous", "is_open", "subject")

    lasts_until_poll: ClassVar[bool] = False
    """Whether it is implicit: nobody says where it ends but the next poll of its consumer."""

    def __init__(self, subject: object) -> None:
        self.subject = subject
        self.is_open = False
        self._made: Context | None = None
        self._previous: Context = _NOTHING

    def enter(self, context: Context, span: Span, previous: Context) -> None:
        """Make ``context`` current, with ``span`` in it.

        Args:
            context: Derived from ``previous``.
            span: Which is then the current one.
            previous: What is current now.
        """
        self._previous = previous
        # One copy, where set_value and set_span_in_context would make four.
        self._made = Context({**context, _SPAN: span, _SCOPE: self})
        self.is_open = True
        attach(self._made)

    def leave(self) -> bool:
        """Restore what was current before, where that is ours to do.

        Returns:
            Whether the scope was open.
        """
        if not self.is_open:
            return False
        self.is_open = False
        if get_current() is self._made:
            attach(self._previous)
            self._made, self._previous = None, _NOTHING  # they refer to this scope, too
        return True

    def outlived(self, context: Context) -> Context | None:
        """Return what was current before ``context``, if that is this scope's and it ended."""
        return self._previous if not self.is_open and self._made is context else None

    def given_way(self, context: Context) -> Context | None:
        """Return the same, if that is this scope's and it ended or is implicit."""
        return (
            self._previous
            if self.lasts_until_poll and self._made is context
            else self.outlived(context)
        )


class PolledScope(Scope):
    """A scope of what a poll returned."""

    __slots__ = ()

    lasts_until_poll = True


def open_scope(context: Context) -> Scope | None:
    """Return the innermost scope that a context is in, if any."""
    scope = context.get(_SCOPE)
    return scope if isinstance(scope, Scope) else None


def live_context() -> Context:
    """Return the current context, after leaving those of scopes that ended somewhere else."""
    context = get_current()
    if not context:
        return context
    scope = open_scope(context)
    while scope is not None:
        previous = scope.outlived(context)
        if previous is None:
            break
        attach(previous)
        context, scope = previous, open_scope(previous)
    return context


def give_way() -> None:
    """Leave the contexts of what was polled before: another consumer's message is worked on now.

    Their scopes stay open. Without this, the messages of consumers that a thread polls in turn
    would be processed within each other.
    """
    context = get_current()
    scope = open_scope(context)
    while scope is not None:
        previous = scope.given_way(context)
        if previous is None:
            break
        attach(previous)
        context, scope = previous, open_scope(previous)
