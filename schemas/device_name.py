"""Which names a device can have, by the rule that every entrance applies."""

import unicodedata

from schemas.limits import MAX_NAME_LENGTH


def device_name_fault(device: str) -> str | None:
    """What is wrong with the name of a device, or None.

    Examples
    --------
    >>> device_name_fault("pump 7")
    >>> device_name_fault("")
    'the device is empty'
    """
    if not device:
        return "the device is empty"
    if len(device) > MAX_NAME_LENGTH:
        return f"the device has {len(device)} characters, over {MAX_NAME_LENGTH}"
    if device.isascii():
        printable = device.isprintable()
    else:
        # Cc: control characters. Cs: half a surrogate pair, which no UTF-8 text holds.
        printable = all(unicodedata.category(character) not in ("Cc", "Cs") for character in device)
    return None if printable else "the device has a control character"
