"""The recommender that learns from each interaction of a stream."""
