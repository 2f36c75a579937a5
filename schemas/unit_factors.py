"""Computes schemas/unit_conversions.py with a library that parses UCUM: `python -m schemas.unit_factors`.

Loading the library takes a second. The table spares that second to each worker process of a job.
"""

from collections.abc import Mapping
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

from schemas.units import ACCEPTED_UNITS, Conversion

TABLE = Path(__file__).with_name("unit_conversions.py")

DEFINED: Mapping[str, tuple[str, Decimal]] = {"[in_i'Hg]": ("m[Hg]", Decimal("0.0254"))}
"""Codes that the library reads as another unit, by UCUM's own definition: a multiple of a code that it reads."""

_HEAD = '''"""Every accepted UCUM code with its conversion. Made by `python -m schemas.unit_factors`. Do not edit."""

from schemas.units import Conversion

CONVERSIONS: dict[str, Conversion] = {
'''


@cache
def conversions() -> dict[str, Conversion]:
    """UCUM code -> its conversion, for every accepted code."""
    from ucumvert import PintUcumRegistry

    registry = PintUcumRegistry(non_int_type=Decimal)  # floats would leave 99.99999999997873 for 212 [degF]
    return {
        code: _conversion(registry, code, canonical) for canonical, codes in ACCEPTED_UNITS.items() for code in codes
    }


def table() -> str:
    """The text of schemas/unit_conversions.py."""
    rows = (
        f"    {_text(code)}: Conversion({_text(each.unit)}, {each.factor!r}, {each.offset!r}),\n"
        for code, each in conversions().items()
    )
    return f"{_HEAD}{''.join(rows)}}}\n"


def _conversion(registry: Any, code: str, canonical: str) -> Conversion:
    if code == canonical:
        return Conversion(canonical, 1.0, 0.0)
    known, multiple = DEFINED.get(code, (code, Decimal(1)))
    source, target = registry.from_ucum(known), registry.from_ucum(canonical)
    zero, million = (
        registry.Quantity(multiple * number, source).to(target).magnitude for number in (Decimal(0), Decimal(1_000_000))
    )
    return Conversion(canonical, float((million - zero) / 1_000_000), float(zero))


def _text(code: str) -> str:
    """A literal as the formatter writes it."""
    return f'"{code}"'


if __name__ == "__main__":
    TABLE.write_text(table())
