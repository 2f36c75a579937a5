"""Small tables of customers, made from a seed."""

import numpy as np
import pandas as pd

from models.churn.settings import load_settings


def customers(n=400, seed=1):
    """Text, as `read_table` gives it: an identifier, a constant, numbers with blanks, categories, and who left."""
    rng = np.random.default_rng(seed)
    contract = rng.choice(["month", "year", "two years"], n, p=[0.5, 0.3, 0.2])
    months = rng.integers(0, 72, n)
    bill = rng.normal(60, 20, n).round(2)
    odds = -1.0 + 1.5 * (contract == "month") - 0.03 * months + 0.02 * (bill - 60)
    left = rng.random(n) < 1 / (1 + np.exp(-odds))
    total = np.where(months == 0, "", (months * bill).round(2).astype(str))
    return pd.DataFrame(
        {
            "customer_id": [f"C{number:05}" for number in range(n)],
            "country": "NL",
            "contract": contract,
            "payment": rng.choice(["card", "bank", ""], n),
            "months": months.astype(str),
            "bill": bill.astype(str),
            "total": total,
            "churn": np.where(left, "Yes", "No"),
        }
    )


def noise(n, seed):
    """Columns that say nothing of who left."""
    rng = np.random.default_rng(seed)
    numbers = {f"x{number}": rng.normal(size=n).round(4).astype(str) for number in range(4)}
    categories = {f"c{number}": rng.choice(list("abcdefgh"), n) for number in range(3)}
    return pd.DataFrame(numbers | categories | {"churn": np.where(rng.random(n) < 0.3, "1", "0")})


def quick(**options):
    """Settings of a training of seconds."""
    small = {"models": ("logistic", "lightgbm"), "trials": 2, "repeats": 1, "inner_folds": 3, "jobs": 1}
    return load_settings(**(small | options))
