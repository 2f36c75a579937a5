"""Which device an MQTT topic names: fleet/{device}/telemetry."""

import unicodedata

from schemas.limits import MAX_NAME_LENGTH

"""Characters."""


def device_of(topic: str) -> str | None:
    """The device, or None where the topic names none.

    >>> device_of("fleet/pump 7/telemetry")
    'pump 7'
    >>> device_of("fleet/site/pump/telemetry") is None
    True
    """
    levels = topic.split("/")
    if len(levels) != 3 or levels[0] != "fleet" or levels[2] != "telemetry":
        return None
    device = levels[1]
    return device if _is_a_name(device) else None


def why_not(topic: str) -> str:
    """Why `device_of` gave None, for a person."""
    levels = topic.split("/")
    if len(levels) != 3 or levels[0] != "fleet" or levels[2] != "telemetry":
        return "the topic is not fleet/{device}/telemetry"
    if not levels[1]:
        return "the device is empty"
    if len(levels[1]) > MAX_NAME_LENGTH:
        return f"the device has {len(levels[1])} characters, over {MAX_NAME_LENGTH}"
    return "the device has a control character"


def _is_a_name(device: str) -> bool:
    if not 0 < len(device) <= MAX_NAME_LENGTH:
        return False
    if device.isascii():
        return device.isprintable()
    # Cc: control characters. Cs: half a surrogate pair, which no UTF-8 text holds.
    return all(unicodedata.category(character) not in ("Cc", "Cs") for character in device)
