"""CSV files as people have them: encoding, separator, numbers and times are detected, reported and checked."""
