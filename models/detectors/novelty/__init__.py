"""The default detector: how new a reading is to its own series."""
