"""Names of devices, by the rule of every entrance."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.device_name import device_name_fault
from schemas.limits import MAX_NAME_LENGTH

proper_names = st.text(st.characters(exclude_categories=("Cc", "Cs")), min_size=1, max_size=MAX_NAME_LENGTH)


@given(proper_names)
def test_any_text_without_control_characters_names_a_device(device):
    assert device_name_fault(device) is None


@given(st.text(max_size=2 * MAX_NAME_LENGTH))
def test_a_name_without_fault_is_written_as_utf_8_and_is_no_longer_than_allowed(device):
    if device_name_fault(device) is None:
        device.encode()
        assert 0 < len(device) <= MAX_NAME_LENGTH


@pytest.mark.parametrize("device", ["pump 7", 'a"b', "größe", "デバイス", "a.b-c_d", "💧", "+", "a'b; DROP"])
def test_names_with_spaces_quotes_and_unicode_are_fine(device):
    assert device_name_fault(device) is None


@pytest.mark.parametrize(
    ("device", "fault"),
    [
        ("", "empty"),
        ("a\nb", "control character"),
        ("\x7f", "control character"),
        ("\x85", "control character"),
        ("ü\x00", "control character"),
        ("\ud800", "control character"),
        ("x" * 201, "201 characters"),
        ("ü" * 201, "201 characters"),
    ],
)
def test_a_name_with_a_fault_is_told_which(device, fault):
    assert fault in device_name_fault(device)
