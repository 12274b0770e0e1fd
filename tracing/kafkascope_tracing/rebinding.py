"""Put traced classes in the place of a library's own in a running program, and take them out again.

What a program holds of a class that it imported earlier are module attributes, subclasses and
instances. Module attributes are set to the traced class. Subclasses get the tracing between
themselves and the original, by their ``__bases__``, and their instances with them. Out of reach
are instances of the original itself (it is immutable) and names bound elsewhere than in modules.
"""

import logging
import sys
from collections.abc import Callable, Iterator

_log = logging.getLogger(__name__)

_OURS = __name__.partition(".")[0]
# Other instrumentation holds originals and subclasses of them for its own work.
_UNTOUCHED = (_OURS, "opentelemetry", "ddtrace")


class Weaving:
    """The tracing of one class: ``mixin`` in front of ``original``, in ``traced`` and elsewhere.

    Args:
        original: The class whose place is taken; may be immutable (a type of a C extension).
        mixin: Overrides methods of ``original`` and calls ``super()``; derived from ``object``
            alone and with empty ``__slots__``, so that it fits in front of every class.
        on_subclass: Called with each class that is derived from ``traced``, when it is made.
    """

    def __init__(
        self,
        original: type[object],
        mixin: type[object],
        on_subclass: Callable[[type], None] = lambda _: None,
    ) -> None:
        self.original = original
        self.mixin = mixin
        about: dict[str, object] = {
            "__module__": original.__module__,
            "__doc__": original.__doc__,
            "__init_subclass__": classmethod(on_subclass),
        }
        self.traced = type(original.__name__, (mixin, original), about)

    def put_in(self) -> None:
        """Trace whatever the program has of ``original``; doing it again changes nothing."""
        for subclass in self._bound_to_original():
            try:
                _insert(subclass, self.mixin, self.original)
            except Exception as error:  # noqa: BLE001 - a metaclass may refuse in any way
                name = f"{subclass.__module__}.{subclass.__qualname__}"
                _log.warning("%s was derived earlier and is not traced: %s", name, error)
        _rebind(self.original, self.traced)

    def take_out(self) -> None:
        """Have everything as it was before, in classes that were made meanwhile too."""
        _rebind(self.traced, self.original)
        for subclass in self.mixin.__subclasses__():
            if not _is_untouched(subclass):
                subclass.__bases__ = tuple(b for b in subclass.__bases__ if b is not self.mixin)

    def _bound_to_original(self) -> list[type]:
        """The direct subclasses of ``original`` that are not traced yet.

        One whose ``__slots__`` leave an instance no room for anything else is left as it is.
        """
        return [
            subclass
            for subclass in self.original.__subclasses__()
            if not issubclass(subclass, self.mixin)
            and not _is_untouched(subclass)
            and subclass.__dictoffset__
        ]


def _insert(subclass: type, mixin: type, original: type) -> None:
    """Put ``mixin`` in front of ``original`` among the bases of ``subclass``."""
    place = subclass.__bases__.index(original)
    subclass.__bases__ = (*subclass.__bases__[:place], mixin, *subclass.__bases__[place:])


def _rebind(old: type, new: type) -> None:
    """Set each module attribute that is ``old`` to ``new``."""
    for namespace in _namespaces():
        for name in [name for name, value in list(namespace.items()) if value is old]:
            namespace[name] = new


def _namespaces() -> Iterator[dict[str, object]]:
    """The namespace of each imported module but our own, which need the originals."""
    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] != _OURS:
            namespace = getattr(module, "__dict__", None)
            if type(namespace) is dict:
                yield namespace


def _is_untouched(subclass: type) -> bool:
    return subclass.__module__.partition(".")[0] in _UNTOUCHED
