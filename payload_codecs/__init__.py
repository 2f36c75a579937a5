"""Payload formats: bytes to samples. One format a file; no Flink, no network.

A codec turns one `Message` into items in their order: a `Sample` for each value that a device sent, a `Rejection` for
what cannot be read. It does not judge samples: validation.py does that for all formats, and decides what is a reading.
Every codec passes the generic checks of tests/unit/payload_codecs/test_every_codec.py by being registered.
"""
