"""`headrace source`: declared sources listed, added, and tried on payloads."""
