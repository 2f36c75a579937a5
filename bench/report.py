"""The last line of every benchmark."""


def verdict(name: str, figure: float, unit: str, limit: float, at_least: bool) -> str:
    """`NAME: FIGURE UNIT, limit LIMIT: met` or `missed`.

    >>> verdict("clean", 3.2, "times a JSON parse", 8, at_least=False)
    'clean: 3.2 times a JSON parse, limit 8: met'
    >>> verdict("bridge", 8368.2, "messages per CPU second", 8000, at_least=True)
    'bridge: 8,368 messages per CPU second, limit 8,000: met'
    """
    shown = f"{figure:,.0f}" if abs(figure) >= 1000 else f"{figure:.3g}"
    met = figure >= limit if at_least else figure <= limit
    return f"{name}: {shown} {unit}, limit {limit:,g}: {'met' if met else 'missed'}"
