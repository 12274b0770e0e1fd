"""The consumer service: reads events from Kafka and logs them."""
