"""Dead letters, looked at, mended and sent back: what `headrace dlq` does."""
