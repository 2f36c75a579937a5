"""Thin classes between Flink and our rooms: fetch state or rows, call a plain value, yield."""
