"""Units: one canonical UCUM code per metric, and how each accepted code converts to it.

The list of accepted codes is closed, so that no unit is guessed. To accept one more code, add it to a line below and
run `python -m schemas.unit_factors`, which writes schemas/unit_conversions.py. Source of the codes:
https://ucum.org/ucum
"""

import unicodedata
from dataclasses import dataclass

ACCEPTED_UNITS: dict[str, tuple[str, ...]] = {
    "Cel": ("Cel", "K", "mK", "[degF]"),
    "%": ("%", "[ppth]", "[ppm]", "[ppb]"),
    "1": ("1",),
    "Pa": (
        "Pa",
        "hPa",
        "kPa",
        "MPa",
        "GPa",
        "bar",
        "mbar",
        "[psi]",
        "atm",
        "m[Hg]",
        "mm[Hg]",
        "[in_i'Hg]",
        "m[H2O]",
        "cm[H2O]",
    ),
    "m": ("m", "nm", "um", "mm", "cm", "dm", "km", "[in_i]", "[ft_i]", "[yd_i]", "[mi_i]", "[nmi_i]"),
    "m/s": (
        "m/s",
        "mm/s",
        "cm/s",
        "km/s",
        "km/h",
        "m/min",
        "mm/h",
        "mm/d",
        "[in_i]/h",
        "[mi_i]/h",
        "[kn_i]",
        "[ft_i]/s",
    ),
    "m/s2": ("m/s2", "mm/s2", "cm/s2", "[g]"),
    "m2": ("m2", "mm2", "cm2", "km2", "har", "[sft_i]"),
    "L": ("L", "l", "mL", "ml", "uL", "cL", "dL", "hL", "m3", "cm3", "dm3", "[ft_i]3", "[gal_us]"),
    "L/s": (
        "L/s",
        "l/s",
        "mL/s",
        "L/min",
        "l/min",
        "mL/min",
        "L/h",
        "l/h",
        "m3/s",
        "m3/min",
        "m3/h",
        "[ft_i]3/min",
        "[gal_us]/min",
    ),
    "kg": ("kg", "ug", "mg", "g", "t", "[lb_av]", "[oz_av]"),
    "kg/s": ("kg/s", "g/s", "kg/min", "kg/h", "t/h"),
    "kg/m3": ("kg/m3", "ug/m3", "mg/m3", "g/m3", "g/L", "mg/L", "g/cm3"),
    "N": ("N", "mN", "kN", "MN", "kgf", "[lbf_av]"),
    "J": ("J", "mJ", "kJ", "MJ", "GJ", "W.s", "W.h", "kW.h", "MW.h", "GW.h", "cal", "kcal", "[Btu_IT]"),
    "W": ("W", "mW", "kW", "MW", "GW", "[HP]"),
    "W/m2": ("W/m2", "mW/cm2", "kW/m2"),
    "V.A": ("V.A", "kV.A", "MV.A"),
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


ALIASES: dict[str, dict[str, str]] = {
    "Cel": {
        "°C": "Cel", "C": "Cel", "degC": "Cel", "deg_C": "Cel", "celsius": "Cel", "Celsius": "Cel",
        "°F": "[degF]", "F": "[degF]", "degF": "[degF]", "deg_F": "[degF]", "fahrenheit": "[degF]",
        "Fahrenheit": "[degF]", "°K": "K", "kelvin": "K", "Kelvin": "K",
    },
    "%": {"%RH": "%", "%rH": "%", "%rh": "%", "RH%": "%", "percent": "%", "pct": "%", "ppm": "[ppm]", "ppb": "[ppb]"},
    "Pa": {
        "pascal": "Pa", "hpa": "hPa", "kpa": "kPa", "psi": "[psi]", "PSI": "[psi]", "mb": "mbar", "mBar": "mbar",
        "Bar": "bar", "mmHg": "mm[Hg]", "inHg": "[in_i'Hg]", "cmH2O": "cm[H2O]",
    },
    "m": {
        "in": "[in_i]", "inch": "[in_i]", "ft": "[ft_i]", "yd": "[yd_i]", "mi": "[mi_i]", "miles": "[mi_i]",
        "nmi": "[nmi_i]", "meter": "m", "metre": "m",
    },
    "m/s": {
        "mps": "m/s", "kph": "km/h", "kmh": "km/h", "kmph": "km/h", "km/hr": "km/h", "mph": "[mi_i]/h",
        "mi/h": "[mi_i]/h", "kn": "[kn_i]", "kt": "[kn_i]", "kts": "[kn_i]", "knots": "[kn_i]", "ft/s": "[ft_i]/s",
        "fps": "[ft_i]/s", "in/h": "[in_i]/h",
    },
    "m/s2": {"m/s/s": "m/s2", "g": "[g]", "G": "[g]", "gee": "[g]"},
    "m2": {"ha": "har", "sqm": "m2", "sqft": "[sft_i]", "ft2": "[sft_i]"},
    "L": {
        "litre": "L", "liter": "L", "litres": "L", "liters": "L", "cbm": "m3", "gal": "[gal_us]", "ft3": "[ft_i]3",
        "cuft": "[ft_i]3",
    },
    "L/s": {
        "lps": "L/s", "LPM": "L/min", "lpm": "L/min", "GPM": "[gal_us]/min", "gpm": "[gal_us]/min",
        "gal/min": "[gal_us]/min", "CFM": "[ft_i]3/min", "cfm": "[ft_i]3/min", "ft3/min": "[ft_i]3/min",
        "cbm/h": "m3/h", "m3/hr": "m3/h", "L/hr": "L/h", "l/hr": "l/h",
    },
    "kg": {"kgs": "kg", "gram": "g", "lb": "[lb_av]", "lbs": "[lb_av]", "oz": "[oz_av]"},
    "kg/s": {"kg/hr": "kg/h"},
    "N": {"lbf": "[lbf_av]"},
    "J": {
        "Ws": "W.s", "Wh": "W.h", "kWh": "kW.h", "KWh": "kW.h", "KWH": "kW.h", "kwh": "kW.h", "MWh": "MW.h",
        "GWh": "GW.h", "BTU": "[Btu_IT]", "Btu": "[Btu_IT]",
    },
    "W": {"watt": "W", "Watt": "W", "watts": "W", "Watts": "W", "KW": "kW", "hp": "[HP]", "HP": "[HP]"},
    "V.A": {"VA": "V.A", "kVA": "kV.A", "MVA": "MV.A"},
    "V": {"volt": "V", "Volt": "V", "volts": "V", "Volts": "V"},
    "A": {"amp": "A", "amps": "A", "Amp": "A", "Amps": "A", "ampere": "A"},
    "A.h": {"Ah": "A.h", "mAh": "mA.h"},
    "Ohm": {"Ω": "Ohm", "ohm": "Ohm", "ohms": "Ohm", "mΩ": "mOhm", "kΩ": "kOhm", "kohm": "kOhm", "MΩ": "MOhm"},
    "Hz": {"hz": "Hz", "KHz": "kHz", "khz": "kHz", "1/s": "/s", "1/min": "/min", "rpm": "/min", "RPM": "/min"},
    "lx": {"lux": "lx", "Lux": "lx", "klux": "klx"},
    "deg": {"°": "deg", "degree": "deg"},
    "deg/s": {"°/s": "deg/s", "dps": "deg/s"},
    "s": {"sec": "s", "secs": "s", "seconds": "s", "msec": "ms", "minutes": "min", "hr": "h", "hrs": "h", "hours": "h"},
    "By": {
        "B": "By", "byte": "By", "bytes": "By", "Bytes": "By", "kB": "kBy", "KB": "kBy", "MB": "MBy", "GB": "GBy",
        "TB": "TBy", "KiB": "KiBy", "MiB": "MiBy", "GiB": "GiBy", "bits": "bit",
    },
    "By/s": {
        "B/s": "By/s", "kB/s": "kBy/s", "KB/s": "kBy/s", "MB/s": "MBy/s", "bps": "bit/s", "kbps": "kbit/s",
        "Mbps": "Mbit/s", "Gbps": "Gbit/s",
    },
    "dB": {"decibel": "dB"},
    "[pH]": {"pH": "[pH]", "ph": "[pH]", "PH": "[pH]"},
}  # fmt: skip
"""Canonical code of a quantity -> spellings that are no UCUM, and what they stand for.

Where a spelling is the UCUM code of something else (F, farad; g, gram), the metric decides: see `unit_code`.
"""

DECIDED_BY_METRIC = frozenset({"B", "C", "G"})
"""Aliases that are UCUM codes of other quantities (bel, coulomb, gauss): read only where the metric has that unit."""

_ANY_METRIC = {
    **{name: code for names in ALIASES.values() for name, code in names.items() if name not in DECIDED_BY_METRIC},
    **{code: code for codes in ACCEPTED_UNITS.values() for code in codes},
}
_SPELLING = str.maketrans({"\u03bc": "u", "\u00b5": "u", "\u00ba": "°", "·": ".", "⋅": ".", "^": None, "\u02da": "°"})


@dataclass(frozen=True)
class Conversion:
    """value * factor + offset brings a value in one unit to its canonical unit."""

    unit: str
    factor: float
    offset: float


def unit_code(sent: str, metric_unit: str | None) -> str | None:
    """The accepted UCUM code that a unit as it was sent stands for; None where there is none.

    Parameters
    ----------
    metric_unit
        Canonical code of the metric; None for a metric that is not in METRIC_UNITS. A unit of the metric's own
        quantity goes before any other: F is the farad, but of a temperature degree Fahrenheit.

    Examples
    --------
    >>> unit_code("kWh", None), unit_code("m³/h ", None), unit_code("℃", "Cel"), unit_code("degree", "Cel")
    ('kW.h', 'm3/h', 'Cel', 'deg')
    >>> unit_code("F", "Cel"), unit_code("F", None), unit_code("furlong", None)
    ('[degF]', 'F', None)
    """
    spelled = plain_spelling(sent)
    own = (*ACCEPTED_UNITS.get(metric_unit or "", ()), *ALIASES.get(metric_unit or "", ()))
    for spelling in (sent, spelled):
        if spelling in own:
            return ALIASES.get(metric_unit or "", {}).get(spelling, spelling)
    return _ANY_METRIC.get(sent) or _ANY_METRIC.get(spelled)


def plain_spelling(unit: str) -> str:
    """A unit without blanks, superscripts, and characters that look like others.

    Normal form KC makes ³ a 3, ℃ an °C, the Ohm sign an Omega and the micro sign a mu (Unicode Standard Annex 15).

    Examples
    --------
    >>> plain_spelling(" µg/m³"), plain_spelling("ºC"), plain_spelling("m/s^2"), plain_spelling("deg C")
    ('ug/m3', '°C', 'm/s2', 'degC')
    """
    return "".join(unicodedata.normalize("NFKC", unit.replace("º", "°")).translate(_SPELLING).split())
