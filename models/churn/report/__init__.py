"""What is known of a trained model: one page, the same as JSON, and a model card."""
