"""The producer service: takes events over HTTP and writes them to Kafka."""
