"""Units of SenML's registry (RFC 8428 section 12.1, RFC 8798) as UCUM codes.

The two share most of their codes and differ in some: `%` is a ratio of 0 to 1 in SenML, `B` a byte and not a bel.
A unit that is not here keeps its text.
"""

PRIMARY_UNITS = {
    "m": "m", "kg": "kg", "g": "g", "s": "s", "A": "A", "K": "K", "cd": "cd", "mol": "mol", "Hz": "Hz", "rad": "rad",
    "sr": "sr", "N": "N", "Pa": "Pa", "J": "J", "W": "W", "C": "A.s", "V": "V", "F": "F", "Ohm": "Ohm", "S": "S",
    "Wb": "Wb", "T": "T", "H": "H", "Cel": "Cel", "lm": "lm", "lx": "lx", "Bq": "Bq", "Gy": "Gy", "Sv": "Sv",
    "kat": "kat", "m2": "m2", "m3": "m3", "l": "l", "m/s": "m/s", "m/s2": "m/s2", "m3/s": "m3/s", "l/s": "l/s",
    "W/m2": "W/m2", "cd/m2": "cd/m2", "bit": "bit", "bit/s": "bit/s", "lat": "deg", "lon": "deg", "pH": "[pH]",
    "dB": "dB", "dBW": "dB[W]", "Bspl": "B[SPL]", "count": "1", "/": "1", "%": "1", "%RH": "%", "%EL": "%", "EL": "s",
    "1/s": "/s", "1/min": "/min", "beat/min": "/min", "beats": "1", "S/m": "S/m", "B": "By", "VA": "V.A",
    "VAs": "V.A.s", "J/m": "J/m", "kg/m3": "kg/m3", "deg": "deg", "NTU": "NTU", "var": "var", "vars": "var.s",
}  # fmt: skip
"""Code -> UCUM. `%` is not recommended any more: "NOT a percentage but the absolute ratio" (RFC 8428, note 1)."""

SECONDARY_UNITS = {
    "ms": "ms", "min": "min", "h": "h", "MHz": "MHz", "kW": "kW", "kVA": "kV.A", "kvar": "kvar", "Ah": "A.h",
    "Wh": "W.h", "kWh": "kW.h", "varh": "var.h", "kvarh": "kvar.h", "kVAh": "kV.A.h", "Wh/km": "W.h/km", "KiB": "KiBy",
    "GB": "GBy", "Mbit/s": "Mbit/s", "B/s": "By/s", "MB/s": "MBy/s", "mV": "mV", "mA": "mA", "dBm": "dB[mW]",
    "ug/m3": "ug/m3", "mm/h": "mm/h", "m/h": "m/h", "ppm": "[ppm]", "/100": "%", "/1000": "[ppth]", "hPa": "hPa",
    "mm": "mm", "cm": "cm", "km": "km", "km/h": "km/h",
}  # fmt: skip
"""Code -> UCUM (RFC 8798 section 3)."""

UCUM_OF_SENML = PRIMARY_UNITS | SECONDARY_UNITS

INTEGRALS = {
    "/s": "1", "l/s": "l", "m3/s": "m3", "m/s": "m", "m/s2": "m/s", "bit/s": "bit", "Mbit/s": "Mbit", "By/s": "By",
    "MBy/s": "MBy", "1": "s",
}  # fmt: skip
"""UCUM code of a value -> that of its integral over seconds. The others get `.s` behind them: `W.s`, `A.s`."""


def integral_of(unit: str) -> str:
    """The unit of a sum: "in the unit specified in the Unit value multiplied by seconds" (RFC 8428 section 4.2).

    Examples
    --------
    >>> integral_of("W"), integral_of("l/s")
    ('W.s', 'l')
    """
    return INTEGRALS.get(unit, f"{unit}.s")
