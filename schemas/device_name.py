"""Which names a device can have, by the rule that every entrance applies."""

import re

from schemas.limits import MAX_NAME_LENGTH

CONTROL_CHARACTERS = "\x00-\x1f\x7f-\x9f\ud800-\udfff"
"""What no name of a device or of a metric has, as part of a regular expression's class: Unicode's Cc, and Cs, halves of
surrogate pairs, which no UTF-8 text holds."""

_CONTROL = re.compile(f"[{CONTROL_CHARACTERS}]")


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
    return None if _CONTROL.search(device) is None else "the device has a control character"
