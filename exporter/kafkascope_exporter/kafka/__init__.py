"""The only place that imports a Kafka client: settings to connections, questions to answers."""
