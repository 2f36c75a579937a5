"""Numbers of Sparkplug's data types (specification 3.0, section 6.4.16), and what a value of each is in Python."""

from typing import Any

INT8, INT16, INT32, INT64, UINT8, UINT16, UINT32, UINT64 = range(1, 9)
FLOAT, DOUBLE, BOOLEAN, STRING, DATE_TIME, TEXT, UUID, DATA_SET, BYTES, FILE, TEMPLATE = range(9, 20)

_SIGNED_BITS = {INT8: 8, INT16: 16, INT32: 32, INT64: 64}
_KNOWN = range(INT8, 35)
"""Up to the arrays, 22 to 34."""


def is_known(data_type: int) -> bool:
    """Whether the specification has this number."""
    return data_type in _KNOWN


def signed(raw: int, data_type: int) -> int:
    """The number that an unsigned field of protobuf carries.

    Two's complement of the type's own width: clients write -1 as Int8 both as 0xFF and as 0xFFFFFFFF.

    Examples
    --------
    >>> signed(0xFF, INT8), signed(0xFFFF_FFFF, INT8), signed(200, UINT8)
    (-1, -1, 200)
    """
    bits = _SIGNED_BITS.get(data_type)
    if bits is None:
        return raw
    low = raw & ((1 << bits) - 1)
    return low - (1 << bits) if low >> (bits - 1) else low


def value_of(metric: Any, field: str, data_type: int) -> Any:
    """The value that one of the fields `field` of a metric holds, as the data type reads it."""
    value = getattr(metric, field)
    return signed(value, data_type) if data_type in _SIGNED_BITS and isinstance(value, int) else value
