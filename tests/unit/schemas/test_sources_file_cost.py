"""What a long sources.toml costs: counted in calls of functions, for ten times as many sources about ten times."""

import pytest

from schemas.sources_file import BadSources, parse_sources
from tests.counted_calls import counted_calls


def text_of(count, fields):
    return "".join(f'[[source]]\nname = "{number}"\n{fields.format(number=number)}\n\n' for number in range(count))


def parsed(text):
    try:
        return len(parse_sources(text).sources)
    except BadSources as error:
        return str(error).count("\n") + 1


FIELDS = {
    "filters of their own": 'topic = "site/{number}/{{device}}/data"\ncodec = "scalar"\nmetric = "a"',
    "filters that end in one level": 'topic = "{{device}}/a/{number}"\ncodec = "scalar"\nmetric = "a"',
    "a mistake in each": 'topic = "site/{number}/{{device}}/data"\ncodec = "no such"',
    "filters that one before them covers": 'topic = "site/{{device}}"\ncodec = "scalar"\nmetric = "a"',
    "tables and texts that look like them": (
        'topic = "site/{number}/{{device}}"\ncodec = "no such"\n[source.units]\nC = """\n[[source]]\n"""'
    ),
}


@pytest.mark.parametrize("fields", FIELDS)
def test_the_cost_of_a_file_is_linear_in_its_sources(fields):
    few, many = (text_of(count, FIELDS[fields]) for count in (40, 400))
    assert parsed(many) >= 399
    parsed(few)  # what is computed once
    assert counted_calls(lambda: parsed(many)) < 13 * counted_calls(lambda: parsed(few))


def test_each_of_many_mistakes_has_its_line():
    with pytest.raises(BadSources) as caught:
        parse_sources(text_of(1000, FIELDS["tables and texts that look like them"]))
    lines = [int(line.split(":")[1]) for line in str(caught.value).splitlines()]
    assert sorted({*lines}) == sorted(line + 9 * number for number in range(1000) for line in (4, 6))
