"""A fleet of devices made of recorded data, streamed through the whole system."""
