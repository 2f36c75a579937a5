"""Bytes and texts of devices on a terminal: shown, never obeyed."""

HEX_BYTES = 512
TEXT_CHARACTERS = 4000


def one_line(text: str | bytes | None, most: int) -> str:
    r"""At most `most` characters of it; what is no printable character is escaped.

    >>> one_line(b'{"a":\x1b[31m1}', 40), one_line("x" * 50, 5)
    ('{"a":\\x1b[31m1}', 'xxxx…')
    """
    text = text.decode(errors="backslashreplace") if isinstance(text, bytes) else text or ""
    escaped = "".join(map(_escaped, text[: most + 1]))
    return escaped if len(escaped) <= most else escaped[: most - 1] + "…"


def block(payload: bytes) -> str:
    """The payload as text where it is UTF-8, as hex where it is not; cut, and then it says how much is missing."""
    try:
        text = payload.decode()
    except UnicodeDecodeError:
        return _hex(payload)
    shown = "".join(c if c in "\n\t" else _escaped(c) for c in text[:TEXT_CHARACTERS])
    return shown + _cut(len(text) - TEXT_CHARACTERS, "characters")


def lines(payload: bytes) -> list[str]:
    r"""All lines of a payload, escaped. Cut at line feeds only: other line breaks are characters of the device.

    >>> lines(b"a\xff" + bytes([0xff, 13, 10]) + b"b")
    ['a\\xff\\xff\\r', 'b']
    """
    text = payload.decode(errors="backslashreplace")
    return ["".join(c if c == "\t" else _escaped(c) for c in line) for line in text.split("\n")]


def _hex(payload: bytes) -> str:
    """Sixteen bytes a line: offset, hex, and what of it is ASCII."""
    rows = []
    for start in range(0, min(len(payload), HEX_BYTES), 16):
        row = payload[start : start + 16]
        ascii_ = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in row)
        rows.append(f"{start:08x}  {row.hex(' '):<47}  {ascii_}")
    return "\n".join(rows) + _cut(len(payload) - HEX_BYTES, "bytes")


def _cut(missing: int, of_what: str) -> str:
    return f"\n… and {missing:,} {of_what} more: --raw writes all" if missing > 0 else ""


def _escaped(character: str) -> str:
    return character if character.isprintable() else character.encode("unicode_escape").decode()
