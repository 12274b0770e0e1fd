"""Text that shows itself only to those who ask for it."""


class SecretText(str):
    """A secret for a client's configuration: the clients read it, no ``repr`` shows it.

    Both clients copy the dictionaries that they are given, and kafka-python logs its copy; the
    stars stay with the value.
    """

    __slots__ = ()

    def __repr__(self) -> str:
        return "'**********'"
