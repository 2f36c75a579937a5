"""InfluxDB 2: writer, reader, deletion, and records as points."""
