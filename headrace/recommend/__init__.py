"""Training of recommenders, put together for the commands."""
