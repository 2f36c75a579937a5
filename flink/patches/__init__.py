"""What works around Flink and Beam until they no longer need it. Each says what, and when it is to be removed."""
