"""What several packages agree on: records, topics, Redis keys, limits, reject reasons, units. Imports none of ours."""
