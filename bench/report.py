"""The last line of every benchmark."""


def verdict(name: str, figure: float, unit: str, limit: float, at_least: bool, aim: float | None = None) -> str:
    """`NAME: FIGURE UNIT, limit LIMIT: met` or `missed`; the same of an aim beyond the limit.

    >>> verdict("clean", 3.2, "times a JSON parse", 8, at_least=False)
    'clean: 3.2 times a JSON parse, limit 8: met'
    >>> verdict("bridge", 8368.2, "messages per CPU second", 8000, at_least=True)
    'bridge: 8,368 messages per CPU second, limit 8,000: met'
    >>> verdict("clean", 3.2, "times a JSON parse", 4, at_least=False, aim=2.5)
    'clean: 3.2 times a JSON parse, limit 4: met, aim 2.5: missed'
    """
    shown = f"{figure:,.0f}" if abs(figure) >= 1000 else f"{figure:.3g}"
    bounds = {"limit": limit} if aim is None else {"limit": limit, "aim": aim}
    parts = [f"{word} {bound:,g}: {_met(figure, bound, at_least)}" for word, bound in bounds.items()]
    return f"{name}: {shown} {unit}, {', '.join(parts)}"


def _met(figure: float, bound: float, at_least: bool) -> str:
    return "met" if (figure >= bound if at_least else figure <= bound) else "missed"
