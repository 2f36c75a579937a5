"""The demo: recorded sensor data through the whole system, and a table of what became of it."""
