"""The same detectors on the same Kafka by other stream processors, and by Headrace: cost, latency, what a kill does."""
