"""What travels: records, their JSON Schema and SQL columns, topics, reject reasons, units. Imports nothing of ours."""
