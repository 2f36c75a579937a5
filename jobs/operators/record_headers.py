"""The headers of a Kafka record, as they cross to Python."""

from collections.abc import Iterator, Mapping

from flink import framing


class RecordHeaders(Mapping[str, bytes]):
    r"""Without those that have no value. Decoded when one is asked for: few formats do, and dead letters.

    Examples
    --------
    >>> headers = RecordHeaders(framing.encode([(b"qos", b"1"), (b"key", None)]))
    >>> dict(headers)
    {'qos': b'1'}
    """

    __slots__ = ("_decoded", "_frame")

    def __init__(self, frame: bytes | None) -> None:
        self._frame = frame
        self._decoded: dict[str, bytes] | None = None

    def __getitem__(self, name: str) -> bytes:
        return self._headers()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._headers())

    def __len__(self) -> int:
        return len(self._headers())

    def _headers(self) -> dict[str, bytes]:
        if self._decoded is None:
            fields = framing.fields(self._frame) if self._frame else []
            named = zip(fields[::2], fields[1::2], strict=True)
            self._decoded = {
                (name or b"").decode("utf-8", "replace"): value for name, value in named if value is not None
            }
        return self._decoded
