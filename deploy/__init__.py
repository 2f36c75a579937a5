"""How Headrace runs elsewhere: its image, what the image runs, and the check of it."""
