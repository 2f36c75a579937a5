"""The demo of churn: rows go to PostgreSQL, risks come to Redis, and both are compared with the model itself."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from redis import Redis
from rich.console import Console
from rich.table import Table

from connectors.postgres_cdc import database
from examples.churn.customers import add_columns, as_json_has_them, key_of, read_rows, risks, upsert
from headrace.model_store.store import ModelStore
from headrace.polling import wait_until
from models.churn.onnx_model import ChurnModel
from stack.layout import Layout

WITHIN_S = 60.0
SHOWN = 5
MAX_DIFFERENCE = 1e-6


def run(layout: Layout, data: Path, limit: int, console: Console) -> bool:
    """Whether Redis holds for every customer what the model says of the row.

    Raises
    ------
    NotWithin
    """
    model = ChurnModel.load(ModelStore.of(layout).champion_folder())
    columns, rows = model.contract.columns, read_rows(data, limit)
    keys = [key_of(model.contract, row, number) for number, row in enumerate(rows)]
    customers = dict(zip(keys, as_json_has_them(columns, rows), strict=True))
    with database.connection(layout.capture) as connection, Redis.from_url(layout.endpoints.redis_url) as redis:
        add_columns(connection, columns)
        began_ms = time.time() * 1000
        for key, values in customers.items():
            upsert(connection, key, values)
        found = _all_risks(redis, list(customers), began_ms)
        console.print(_table(found))
        wrong = _wrong(model, customers, found)
        _change_one(connection, redis, customers, found, console)
        _delete_one(connection, redis, min(found, key=lambda key: found[key]["risk"]), console)
    console.print(_verdict(len(customers), wrong), highlight=False)
    return not wrong


def _all_risks(redis: Redis, keys: list[str], since_ms: float) -> dict[str, dict[str, Any]]:
    """Of these rows, and not of an earlier demo's."""

    def look() -> dict[str, dict[str, Any]] | None:
        found = risks(redis, keys)
        return found if len(found) == len(keys) and all(each["ts"] >= since_ms - 1 for each in found.values()) else None

    return wait_until(f"the risks of {len(keys)} customers", look, WITHIN_S)


def _table(found: dict[str, dict[str, Any]]) -> Table:
    table = Table("customer", "risk", "why", title="Most at risk, as Redis holds them", title_justify="left")
    for key, each in sorted(found.items(), key=lambda item: -item[1]["risk"])[:SHOWN]:
        table.add_row(key, f"{each['risk']:.0%}", "\n".join(each["reasons"]))
    return table


def _wrong(model: ChurnModel, customers: dict[str, Any], found: dict[str, dict[str, Any]]) -> list[str]:
    """Customers whose risk in Redis is not the model's of the row that was sent."""
    scores = model.predict(model.columns_of(list(customers.values())))
    return [
        key
        for key, risk in zip(customers, scores.probabilities, strict=True)
        if not abs(found[key]["risk"] - risk) <= MAX_DIFFERENCE
    ]


def _change_one(
    connection: Any, redis: Redis, customers: dict[str, Any], found: dict[str, dict[str, Any]], console: Console
) -> None:
    """The customer most at risk becomes like the one least at risk."""
    by_risk = sorted(found, key=lambda key: found[key]["risk"])
    least, most = by_risk[0], by_risk[-1]
    took_s = _until(
        lambda: upsert(connection, most, customers[least]),
        lambda: risks(redis, [most])[most]["ts"] > found[most]["ts"],
        f"the new risk of {most}",
    )
    after = risks(redis, [most])[most]["risk"]
    console.print(f"{most} changes: {found[most]['risk']:.0%} -> {after:.0%}, in Redis after {took_s:.1f} s")


def _delete_one(connection: Any, redis: Redis, key: str, console: Console) -> None:
    statement = "DELETE FROM customers WHERE customer_id = %s"
    took_s = _until(lambda: connection.execute(statement, [key]), lambda: not risks(redis, [key]), f"{key} to be gone")
    console.print(f"{key} is deleted: gone from Redis after {took_s:.1f} s")


def _until(act: Callable[[], object], look: Callable[[], bool], what: str) -> float:
    """Seconds from the act until what it leads to is seen."""
    began = time.monotonic()
    act()
    wait_until(what, look, WITHIN_S, pause_s=0.05)
    return time.monotonic() - began


def _verdict(n: int, wrong: list[str]) -> str:
    if wrong:
        return f"[red]✘[/] {len(wrong)} of {n} customers have another risk in Redis than the model gives: {wrong[:5]}"
    return f"[green]✔[/] All {n} customers have the risk in Redis that the model gives their row."
