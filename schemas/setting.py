"""What docs/reference/settings.md says of a setting beyond pydantic's own description and constraints."""

from pydantic.types import JsonValue

STATED_DEFAULT = "stated_default"


def stated_default(text: str) -> dict[str, JsonValue]:
    """For `json_schema_extra` of a setting whose default depends on others, such as a port of the local stack.

    Examples
    --------
    >>> stated_default("18001 + HEADRACE_PORT_OFFSET")
    {'stated_default': '18001 + HEADRACE_PORT_OFFSET'}
    """
    return {STATED_DEFAULT: text}
