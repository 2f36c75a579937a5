"""The jobs, in the order of the flow. Imports no pyflink: the command line reads this."""

JOBS = ("clean_telemetry", "window_telemetry", "score_anomalies", "store_influxdb", "store_redis")
