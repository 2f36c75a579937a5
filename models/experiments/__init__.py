"""What an experiment says, at any moment: which arm is better, and whether users were split as declared. No Flink."""
