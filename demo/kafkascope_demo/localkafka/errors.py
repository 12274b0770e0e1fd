"""The one exception that users of a local cluster meet."""


class LocalKafkaError(Exception):
    """What went wrong, in one line that names the cause and the remedy or the log to read."""
