"""Redis: device state, recommendation lists, and an asynchronous reader."""
