"""MQTT topic filters whose levels have names: `plant/{line}/{device}/{metric}`."""

import re

_NAMED = re.compile(r"\{([a-z][a-z0-9_]*)\}")


class TopicPattern:
    """A topic filter in which `{name}` stands for one level, beside MQTT's own `+` and a final `#`.

    Examples
    --------
    >>> pattern = TopicPattern("plant/{line}/{device}/#")
    >>> pattern.filter
    'plant/+/+/#'
    >>> pattern.match("plant/4/press-1/temperature")
    {'line': '4', 'device': 'press-1'}
    >>> pattern.match("plant/4") is None
    True

    Raises
    ------
    ValueError
        For what is no topic filter [MQTT-4.7.1], and for a name that stands twice.
    """

    def __init__(self, pattern: str) -> None:
        levels = pattern.split("/")
        for number, level in enumerate(levels):
            if _NAMED.fullmatch(level) or level == "+" or (level == "#" and number == len(levels) - 1):
                continue
            if any(character in level for character in "+#{}\0"):
                raise ValueError(
                    f"the level {level!r} is neither a name in braces, nor +, nor plain text; # stands last"
                )
        self.names = tuple(_NAMED.findall(pattern))
        if len(set(self.names)) < len(self.names):
            raise ValueError(f"a name stands twice in {pattern!r}")
        if not pattern:
            raise ValueError("a topic filter is not empty")
        self.pattern = pattern
        self.filter = _NAMED.sub("+", pattern)
        self._expression = re.compile(_expression(levels), re.DOTALL)

    def match(self, topic: str) -> dict[str, str] | None:
        """The named levels of a topic, or None where the filter does not match it."""
        if topic.startswith("$") and not self.pattern.startswith("$"):
            return None
        found = self._expression.fullmatch(topic)
        return found.groupdict() if found else None


def _expression(levels: list[str]) -> str:
    if levels == ["#"]:
        return ".*"
    rest = levels[-1] == "#"  # also matches the parent level [MQTT-4.7.1-2]
    return "/".join(map(_level_expression, levels[:-1] if rest else levels)) + ("(?:/.*)?" if rest else "")


def _level_expression(level: str) -> str:
    if named := _NAMED.fullmatch(level):
        return f"(?P<{named[1]}>[^/]*)"
    return "[^/]*" if level == "+" else re.escape(level)
