"""Units as devices write them, and the table of their conversions."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas import unit_factors
from schemas.unit_conversions import CONVERSIONS
from schemas.units import ACCEPTED_UNITS, ALIASES, DECIDED_BY_METRIC, METRIC_UNITS, plain_spelling, unit_code


def test_the_table_of_conversions_is_what_the_library_computes():
    assert unit_factors.conversions() == CONVERSIONS, "run: python -m schemas.unit_factors"


@pytest.mark.parametrize("quantity", ALIASES)
def test_an_alias_stands_for_a_code_of_its_quantity_and_is_found_as_it_is_spelled(quantity):
    for alias, code in ALIASES[quantity].items():
        assert code in ACCEPTED_UNITS[quantity]
        assert plain_spelling(alias) == alias
        assert alias not in ACCEPTED_UNITS[quantity]
        assert unit_code(alias, quantity) == code


def test_an_alias_that_is_a_code_of_another_quantity_is_decided_by_the_metric_alone():
    aliases = [alias for names in ALIASES.values() for alias in names]
    assert len(aliases) == len(set(aliases))
    assert {alias for alias in aliases if alias in CONVERSIONS} == {"F", "g"}
    assert {alias: unit_code(alias, None) for alias in ("F", "g", *DECIDED_BY_METRIC)} == {
        "F": "F", "g": "g", "B": None, "C": None, "G": None
    }  # fmt: skip
    assert [unit_code("C", unit) for unit in ("Cel", "Pa", None)] == ["Cel", None, None]


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        ("°C", "Cel"), ("℃", "Cel"), ("ºC", "Cel"), ("° C", "Cel"), ("degC", "Cel"), ("deg C", "Cel"), ("Cel ", "Cel"),
        ("℉", "[degF]"), ("degF", "[degF]"), ("K", "K"), ("kWh", "kW.h"), ("kW·h", "kW.h"), ("Wh", "W.h"), ("m³", "m3"),
        ("m^3", "m3"), ("㎥", "m3"), ("m³/h", "m3/h"), ("m3 / h", "m3/h"), ("ft³", "[ft_i]3"), ("l/min", "l/min"),
        ("µg/m³", "ug/m3"), ("μg/m3", "ug/m3"), ("µS/cm", "uS/cm"), ("Ω", "Ohm"), ("\u2126", "Ohm"), ("kΩ", "kOhm"),
        ("m/s²", "m/s2"), ("m/s^2", "m/s2"), ("mph", "[mi_i]/h"), ("psi", "[psi]"), ("mmHg", "mm[Hg]"), ("%RH", "%"),
        ("ppm", "[ppm]"), ("lux", "lx"), ("rpm", "/min"), ("W/m²", "W/m2"), ("VA", "V.A"), ("kB", "kBy"), ("°", "deg"),
        ("\tkPa\n", "kPa"), ("pH", "[pH]"),
    ],
)  # fmt: skip
def test_units_are_read_as_devices_write_them(sent, code):
    assert unit_code(sent, None) == code
    assert unit_code(sent, CONVERSIONS[code].unit) == code


@pytest.mark.parametrize("sent", ["cel", "degrees", "kw", "KPA", "mW.H", "", " ", "|", "Cel K", "%%"])
def test_what_is_no_documented_spelling_is_no_unit(sent):
    assert unit_code(sent, None) is None


@given(st.text(max_size=9), st.sampled_from([None, *METRIC_UNITS.values()]))
def test_any_text_is_an_accepted_code_or_none(sent, unit):
    assert unit_code(sent, unit) in (None, *CONVERSIONS)


@given(st.sampled_from(sorted(CONVERSIONS)), st.sampled_from([None, *METRIC_UNITS.values()]))
def test_a_code_of_ucum_is_itself_unless_the_metric_says_otherwise(code, unit):
    assert unit_code(code, unit) in (code, ALIASES.get(unit, {}).get(code))
