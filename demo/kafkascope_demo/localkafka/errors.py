"""The one exception that users of a local cluster meet."""

from kafkascope_demo.demoerror import DemoError


class LocalKafkaError(DemoError):
    """What went wrong with Kafka or the demo on this machine."""
