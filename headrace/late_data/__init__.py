"""Windows that late readings belong to: recomputed from the stored readings, once the readings are stored.

docs/explanation/late_readings.md says what a user sees when; docs/adr/0011 why it is done so.
"""
