"""What a person who uses the demo meets when something is wrong."""


class DemoError(Exception):
    """What went wrong, in one line that names the cause and the remedy or the log to read."""
