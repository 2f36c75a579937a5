"""The REST API: recommendations out of Redis, interactions into Kafka. One process is one instance."""
