"""Names from a table as labels of a chart: short enough, and with the room that they take in a browser.

A chart keeps its text as text (`svg.fonttype: none`): no font of this machine has the glyphs of every script, and the
browser finds those that its reader has installed. Matplotlib lays the chart out, and knows the widths of its own font:
a character that this font lacks would get the width of an empty box.
"""

import unicodedata
from functools import cache
from typing import Any

from matplotlib.font_manager import findfont, get_font

FONT, FONT_SIZE_PT = "DejaVu Sans", 9
MAX_WIDTH_PT = 120.0
JOINERS = "\u200c\u200d"
"""They make one emoji of several, and shape the letters of some scripts."""
_FULL_WIDTH, _EMOJI = "W", "Wi"
"""As wide as an ideograph (1 em) and as an emoji (1.25 em), in matplotlib's font."""


def shortened(name: str, max_width_pt: float = MAX_WIDTH_PT) -> str:
    """The name on one line, cut with an ellipsis where it would be wider than that.

    >>> shortened("months"), shortened("x" * 500)
    ('months', 'xxxxxxxxxxxxxxxxxxxxx…')
    """
    line = "".join(c if c.isprintable() or c in JOINERS else " " for c in name)
    room = max_width_pt
    for place, character in enumerate(line):
        room -= _width_pt(character)
        if room < 0:
            return _cut(line[:place]) + "…"
    return line


def stand_in(label: str) -> str:
    """A text of the same width or more of characters that matplotlib's font has.

    >>> stand_in("abc"), stand_in("顧客"), stand_in("🙂")
    ('abc', 'WW', 'Wi')
    """
    return "".join(map(_stand_in, label))


def _cut(text: str) -> str:
    """Room for the ellipsis, and no half of what is one character to a reader."""
    text = text[:-1]
    while text and (unicodedata.combining(text[-1]) or text[-1] in JOINERS):
        text = text[:-1]
    return text


@cache
def _stand_in(character: str) -> str:
    if unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return ""  # drawn over its neighbour, or not at all
    if ord(character) >= 0x1F000:
        return _EMOJI
    is_wide = unicodedata.east_asian_width(character) in "WF"
    return _FULL_WIDTH if is_wide or not _font().get_char_index(ord(character)) else character


def _width_pt(character: str) -> float:
    return float(sum(_font().load_char(ord(each)).linearHoriAdvance / 65536 for each in _stand_in(character)))


def _font() -> Any:
    """Matplotlib has one object for a font: whoever draws a chart gives it another size."""
    font = get_font(findfont(FONT))
    font.set_size(FONT_SIZE_PT, 72)
    return font
