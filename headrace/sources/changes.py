"""How two declarations of sources differ, for people."""

from collections.abc import Iterator

from schemas.source import Source
from schemas.sources_file import BadSources, parse_sources


def changes(before: str | None, after: str | None) -> list[str]:
    """A line for each source that is new, gone or changed; none where both texts declare the same.

    Parameters
    ----------
    before, after
        Texts of the file; None without one. `after` has no mistakes. `before` may have some, for this release.
    """
    new = parse_sources(after).sources
    try:
        old = parse_sources(before).sources
    except BadSources:
        return ["this release cannot read the sources that were applied; all are new to it"]
    return list(_changes(old, new))


def _changes(old: tuple[Source, ...], new: tuple[Source, ...]) -> Iterator[str]:
    before, after = ({each.name: each for each in sources} for sources in (old, new))
    for name, source in after.items():
        if name not in before:
            yield f"new: {name} ({', '.join(source.topic)})"
        elif fields := _changed_fields(before[name], source):
            yield f"changed: {name} ({', '.join(fields)})"
    for name, source in before.items():
        if name not in after:
            yield f"gone: {name} ({', '.join(source.topic)})"
    if [name for name in before if name in after] != [name for name in after if name in before]:
        yield f"order: {', '.join(after)}"


def _changed_fields(before: Source, after: Source) -> list[str]:
    return [field for field in Source.model_fields if getattr(before, field) != getattr(after, field)]
