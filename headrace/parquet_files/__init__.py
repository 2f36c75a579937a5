"""Parquet files of readings: which columns hold times, values and names follows from their names and types."""
