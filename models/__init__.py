"""What learns and predicts. Plain Python values: no Flink, no network."""
