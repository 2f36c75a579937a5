"""The last step of the demo of recommendations: somebody is forgotten, and is a stranger at the next visit."""

from rich.console import Console

from examples.recommendations.application import Shop
from headrace.polling import wait_until
from headrace.privacy.findings_list import print_findings
from headrace.privacy.forgetting import forget
from stack.layout import Layout

STRANGER_WITHIN_S = 10.0


def forget_somebody(layout: Layout, shop: Shop, user: str, console: Console) -> bool:
    """Whether nothing stays of the user.

    Raises
    ------
    NotForgotten
    NotWithin
    """
    console.print(f"\nheadrace privacy forget {user}", highlight=False)
    is_gone = print_findings(forget(layout, layout.endpoints, user, ()), console)
    # An instance reads the key anew every two seconds.
    wait_until(
        "a list that knows nothing of the user",
        lambda: shop.list_of(user)["source"] != "personal",
        STRANGER_WITHIN_S,
    )
    console.print(f"{user} asks again, and gets the list of an unknown user.", highlight=False)
    return is_gone
