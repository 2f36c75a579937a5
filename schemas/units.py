"""Units: one canonical UCUM code per metric, and how each accepted code converts to it.

The list of accepted codes is closed, so that the conversion is a constant of the job's SQL and no
unit is guessed; the factors come from a library that parses UCUM (ucumvert, on pint). To accept one
more code, add it to a line below. Source of the codes: https://ucum.org/ucum
"""

from dataclasses import dataclass
from decimal import Decimal
from functools import cache

ACCEPTED_UNITS: dict[str, tuple[str, ...]] = {
    "Cel": ("Cel", "K", "mK", "[degF]"),
    "%": ("%", "[ppth]", "[ppm]", "[ppb]"),
    "1": ("1",),
    "Pa": ("Pa", "hPa", "kPa", "MPa", "GPa", "bar", "mbar", "[psi]", "atm", "m[Hg]", "mm[Hg]", "m[H2O]", "cm[H2O]"),
    "m": ("m", "nm", "um", "mm", "cm", "dm", "km", "[in_i]", "[ft_i]", "[yd_i]", "[mi_i]", "[nmi_i]"),
    "m/s": ("m/s", "mm/s", "cm/s", "km/s", "km/h", "m/min", "[mi_i]/h", "[kn_i]", "[ft_i]/s"),
    "m/s2": ("m/s2", "mm/s2", "cm/s2", "[g]"),
    "m2": ("m2", "mm2", "cm2", "km2", "har", "[sft_i]"),
    "L": ("L", "l", "mL", "ml", "uL", "cL", "dL", "hL", "m3", "cm3", "dm3", "[gal_us]"),
    "L/s": ("L/s", "l/s", "mL/s", "L/min", "l/min", "mL/min", "L/h", "l/h", "m3/s", "m3/min", "m3/h", "[gal_us]/min"),
    "kg": ("kg", "ug", "mg", "g", "t", "[lb_av]", "[oz_av]"),
    "kg/s": ("kg/s", "g/s", "kg/min", "kg/h", "t/h"),
    "kg/m3": ("kg/m3", "ug/m3", "mg/m3", "g/m3", "g/L", "mg/L", "g/cm3"),
    "N": ("N", "mN", "kN", "MN", "kgf", "[lbf_av]"),
    "J": ("J", "mJ", "kJ", "MJ", "GJ", "W.s", "W.h", "kW.h", "MW.h", "cal", "kcal", "[Btu_IT]"),
    "W": ("W", "mW", "kW", "MW", "GW", "[HP]"),
    "V": ("V", "uV", "mV", "kV", "MV"),
    "A": ("A", "nA", "uA", "mA", "kA"),
    "A.h": ("A.h", "mA.h"),
    "Ohm": ("Ohm", "mOhm", "kOhm", "MOhm"),
    "S/m": ("S/m", "uS/cm", "mS/cm", "S/cm"),
    "F": ("F", "pF", "nF", "uF", "mF"),
    "T": ("T", "nT", "uT", "mT"),
    "Hz": ("Hz", "mHz", "kHz", "MHz", "GHz", "/s", "/min", "/h"),
    "lx": ("lx", "klx"),
    "lm": ("lm", "klm"),
    "cd": ("cd", "mcd"),
    "deg": ("deg", "rad", "mrad"),
    "deg/s": ("deg/s", "rad/s", "deg/min"),
    "s": ("s", "ns", "us", "ms", "min", "h", "d", "wk"),
    "By": ("By", "kBy", "MBy", "GBy", "TBy", "KiBy", "MiBy", "GiBy", "bit", "kbit", "Mbit"),
    "By/s": ("By/s", "kBy/s", "MBy/s", "bit/s", "kbit/s", "Mbit/s", "Gbit/s"),
    "mol/L": ("mol/L", "mmol/L", "umol/L"),
    "dB": ("dB",),
    "[pH]": ("[pH]",),
    "Bq": ("Bq", "kBq", "MBq"),
    "Sv/h": ("Sv/h", "uSv/h", "mSv/h", "nSv/h"),
}
"""Canonical code of a quantity -> the codes that convert to it."""

METRIC_UNITS: dict[str, str] = {
    "temperature": "Cel",
    "humidity": "%",
    "battery": "%",
    "pressure": "Pa",
    "speed": "m/s",
    "acceleration": "m/s2",
    "flow": "L/s",
    "volume": "L",
    "power": "W",
    "energy": "J",
    "voltage": "V",
    "current": "A",
    "frequency": "Hz",
    "illuminance": "lx",
    "distance": "m",
    "weight": "kg",
}
"""Metric -> its one unit. A metric that is not listed takes the canonical unit of the unit it is sent with."""


@dataclass(frozen=True)
class Conversion:
    """value * factor + offset brings a value in one unit to its canonical unit."""

    unit: str
    factor: float
    offset: float


@cache
def conversions() -> dict[str, Conversion]:
    """UCUM code -> its conversion, for every accepted code. Loads the library: a second, once a process."""
    from ucumvert import PintUcumRegistry

    registry = PintUcumRegistry(non_int_type=Decimal)  # floats would leave 99.99999999997873 for 212 [degF]

    def conversion(code: str, canonical: str) -> Conversion:
        if code == canonical:
            return Conversion(canonical, 1.0, 0.0)
        source, target = registry.from_ucum(code), registry.from_ucum(canonical)
        zero, million = (registry.Quantity(Decimal(x), source).to(target).magnitude for x in (0, 1_000_000))
        return Conversion(canonical, float((million - zero) / 1_000_000), float(zero))

    return {code: conversion(code, canonical) for canonical, codes in ACCEPTED_UNITS.items() for code in codes}
