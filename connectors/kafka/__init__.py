"""Kafka: clients, readers of whole topics, transactions."""
