"""The last line of every benchmark."""


def verdict(name: str, figure: float, unit: str, limit: float, at_least: bool) -> str:
    """`NAME: FIGURE UNIT, limit LIMIT: met` or `missed`.

    >>> verdict("clean", 3.2, "times a JSON parse", 8, at_least=False)
    'clean: 3.2 times a JSON parse, limit 8: met'
    """
    met = figure >= limit if at_least else figure <= limit
    return f"{name}: {figure:,.3g} {unit}, limit {limit:,g}: {'met' if met else 'missed'}"
