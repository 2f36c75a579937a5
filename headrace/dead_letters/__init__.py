"""Dead letters, looked at, edited and sent back: what `headrace dlq` does."""
