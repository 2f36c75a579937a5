"""Numbers of Sparkplug's data types (specification 3.0, section 6.4.16), and what a value of each is in Python."""

from typing import Any

INT8, INT16, INT32, INT64, UINT8, UINT16, UINT32, UINT64 = range(1, 9)
FLOAT, DOUBLE, BOOLEAN, STRING, DATE_TIME, TEXT, UUID, DATA_SET, BYTES, FILE, TEMPLATE = range(9, 20)

ARRAYS = range(22, 35)
"""Their elements are packed in `bytes_value`."""

_SIGNED_BITS = {INT8: 8, INT16: 16, INT32: 32, INT64: 64}
_UNSIGNED_BITS = {UINT8: 8, UINT16: 16, UINT32: 32, UINT64: 64, DATE_TIME: 64}
_FIELD_BITS = {"int_value": 32, "long_value": 64}
_KNOWN = range(INT8, ARRAYS.stop)

_FOR_ITSELF = {"float_value": DOUBLE, "double_value": DOUBLE, "boolean_value": BOOLEAN, "string_value": STRING}
"""Fields that say how their value is read."""


class OutOfRange(ValueError):
    """Raised for a number that its data type cannot hold, and made a rejection by the codec.

    Terminal: the bytes stay the same.
    """


def type_of(metric: Any) -> int | None:
    """The data type that a metric states, or that its field implies; None where neither says how to read it."""
    data_type = int(metric.datatype)
    return data_type if data_type in _KNOWN else _FOR_ITSELF.get(metric.WhichOneof("value"))


def integer(raw: int, field: str, data_type: int) -> int:
    """The number that an unsigned field of protobuf carries.

    A negative number is in two's complement, of its type's width or of the field's: clients write -1 as Int8 both as
    0xFF and as 0xFFFFFFFF. Types that are no integers have no rule for negative numbers.

    Raises
    ------
    OutOfRange

    Examples
    --------
    >>> integer(0xFF, "int_value", INT8), integer(0xFFFF_FFFF, "int_value", INT8), integer(200, "int_value", UINT8)
    (-1, -1, 200)
    """
    bits = _SIGNED_BITS.get(data_type)
    if bits is None:
        if raw >> _UNSIGNED_BITS.get(data_type, _FIELD_BITS[field] - 1):
            raise OutOfRange(f"value: {raw} is no number of data type {data_type}")
        return raw
    if not raw >> bits:
        return raw - (1 << bits) if raw >> (bits - 1) else raw
    for width in (32, _FIELD_BITS[field]):
        negative = raw - (1 << width)
        if -(1 << (bits - 1)) <= negative < 0:
            return negative
    raise OutOfRange(f"value: {raw} is no number of data type {data_type}")


def value_of(metric: Any, field: str, data_type: int) -> Any:
    """The value that one of the fields of a metric holds. A data type of the metric's own goes before `data_type`.

    Raises OutOfRange.
    """
    value = getattr(metric, field)
    if field not in _FIELD_BITS:
        return value
    own = metric.datatype
    return integer(value, field, own if own in _KNOWN else data_type)
