"""Text of a picture that no browser draws: with which fonts of this machine, and what stands for a missing glyph."""

from functools import cache

from matplotlib.font_manager import findfont, fontManager, get_font

from models.churn.report.label_text import FONT

LAST_RESORT = "Last Resort"
"""Comes with matplotlib, and draws the same box for all characters of a script."""


def families_for(text: str) -> list[str]:
    """Matplotlib's own font, and those that have what it lacks of the text."""
    families = [FONT]
    for character in dict.fromkeys(text):
        family = _family_of(character)
        if family is not None and family not in families:
            families.append(family)
    return families


def with_glyphs(text: str) -> str:
    """Each character that no font of this machine has as its code.

    >>> with_glyphs("Durchfluss °C"), with_glyphs(chr(0xF8FE))
    ('Durchfluss °C', 'U+F8FE')
    """
    return "".join(each if each.isspace() or _family_of(each) else f"U+{ord(each):04X}" for each in text)


@cache
def _family_of(character: str) -> str | None:
    if _has(findfont(FONT), character):
        return FONT
    for font in fontManager.ttflist:
        if font.style == "normal" and not font.name.startswith(LAST_RESORT) and _has(font.fname, character):
            return str(font.name)
    return None


def _has(path: str, character: str) -> bool:
    return bool(_characters(path).get(ord(character)))


@cache
def _characters(path: str) -> dict[int, int]:
    try:
        return dict(get_font(path).get_charmap())
    except (RuntimeError, OSError):  # a font that FreeType cannot read has no glyphs for us
        return {}
