"""A shop whose recommendations follow each click."""
