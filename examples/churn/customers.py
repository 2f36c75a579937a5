"""Customers for the demo: a table that is made here, its rows in PostgreSQL, and their risks in Redis."""

import csv
import json
import math
import random
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import psycopg
from psycopg import sql
from redis import Redis

from models.churn.contract import Column, Contract
from models.churn.numbers import parsed
from models.churn.tables import read_table
from schemas.redis_keys import CHURN

Row = dict[str, str]

SQL_TYPES = {"number": "double precision", "category": "text"}
N_EXAMPLES = 1000


def write_example(path: Path, n: int = N_EXAMPLES, seed: int = 7) -> None:
    """A table of customers of connected pumps, of whom those leave who are new, pay by the month and call often."""
    draw = random.Random(seed)  # noqa: S311  # an example, not a secret
    with path.open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["customer", "months", "contract", "devices", "support_calls", "bill", "churn"])
        for number in range(n):
            months, contract = draw.randrange(72), draw.choice(["monthly", "yearly", "two years"])
            devices, calls = draw.randrange(1, 40), draw.choice([0, 0, 0, 1, 1, 2, 3, 5])
            chance = 0.05 + 0.35 * (contract == "monthly") + 0.25 * (months < 12) + 0.06 * calls
            bill = round(20 + 4.5 * devices + draw.uniform(-5, 5), 2)
            left = "yes" if draw.random() < min(chance, 0.95) else "no"
            table.writerow([f"customer-{number:04}", months, contract, devices, calls, bill, left])


def read_rows(path: Path, limit: int) -> list[Row]:
    """As the training read it: every cell as text, blanks as nothing."""
    rows: list[Row] = read_table(path).head(limit).to_dict("records")
    return rows


def key_of(contract: Contract, row: Row, number: int) -> str:
    """The identifier that the training found, else the row's number."""
    return row[contract.identifier] if contract.identifier else f"customer-{number:04}"


def as_json_has_them(columns: Sequence[Column], rows: Sequence[Row]) -> list[dict[str, float | str | None]]:
    """The columns of each row as change capture would give them.

    A blank is a null, and so is a word among numbers: the training takes it for one.
    """
    values = {column.name: _as_json_has_it(column, [row[column.name] for row in rows]) for column in columns}
    return [dict(zip(values, row, strict=True)) for row in zip(*values.values(), strict=True)]


def _as_json_has_it(column: Column, cells: list[str]) -> list[Any]:
    if column.kind == "category":
        return [cell if cell.strip() else None for cell in cells]
    numbers = parsed(pd.Series(cells, dtype=object), column.notation).tolist()
    return [None if math.isnan(number) else number for number in numbers]


def add_columns(database: "psycopg.Connection[Any]", columns: Iterable[Column]) -> None:
    """To the table `customers`, where they are missing."""
    for column in columns:
        database.execute(
            sql.SQL("ALTER TABLE customers ADD COLUMN IF NOT EXISTS {} {}").format(
                sql.Identifier(column.name), sql.SQL(SQL_TYPES[column.kind])
            )
        )


def upsert(database: "psycopg.Connection[Any]", key: str, values: dict[str, Any]) -> None:
    """One customer's row."""
    names = ["customer_id", *values]
    statement = sql.SQL("INSERT INTO customers ({}) VALUES ({}) ON CONFLICT (customer_id) DO UPDATE SET {}").format(
        sql.SQL(", ").join(map(sql.Identifier, names)),
        sql.SQL(", ").join(sql.Placeholder() * len(names)),
        sql.SQL(", ").join(sql.SQL("{0} = EXCLUDED.{0}").format(sql.Identifier(name)) for name in values),
    )
    database.execute(statement, [key, *values.values()])


def risks(redis: Redis, keys: Sequence[str]) -> dict[str, dict[str, Any]]:
    """What Redis holds of those customers that it knows."""
    found = redis.mget([CHURN.key(key) for key in keys])
    return {key: json.loads(risk) for key, risk in zip(keys, found, strict=True) if risk}  # type: ignore[arg-type]
