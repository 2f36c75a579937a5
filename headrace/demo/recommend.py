"""The demo of recommendations: lists that follow each click, an experiment that ends, somebody who is forgotten."""

import random
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from rich.console import Console
from rich.table import Table

from connectors.experiments_file import DECLARED, ExperimentsFile
from connectors.influxdb_reader import InfluxDBReader
from connectors.pseudonyms import KEY_FILE, read_key
from connectors.whole_files import write_whole
from headrace.demo.application import Shop
from headrace.demo.forgotten import forget_somebody
from headrace.demo.shop import Person, histories, item
from headrace.experiments.from_topics import from_topics
from headrace.experiments.printed import print_standing
from headrace.experiments.standing import Standing, standing
from headrace.stack.layout import Layout
from headrace.stack.serving import MOST_INSTANCES
from headrace.waiting import wait_until
from schemas.experiment import CONTROL, Experiment
from schemas.recommendation_feedback import SHOWN

PEOPLE, EACH = 400, 25
HOUR_MS = 3600 * 1000
CLICKS = ((7, 1), (7, 2), (12, 4))
"""Series and number of what somebody new clicks, one after the other."""
AT_ONCE = 100
LEARNED_WITHIN_S, CHANGED_WITHIN_S, MEASURED_WITHIN_S = 120.0, 10.0, 90.0
SUCCESS_WITHIN_S = 20
DECLARATION = """
[{name}]
control   = {{ share = 50, list = "popular" }}
treatment = {{ share = 50, list = "personal" }}
success   = ["click"]
within_h  = {within_h:.6f}
"""
LIVE = """
from(bucket: "{bucket}")
  |> range(start: {since}, stop: 2100-01-01T00:00:00Z)
  |> filter(fn: (r) => r._measurement == "recommendations" and r._field == "events")
  |> group(columns: ["source", "model_version", "action"])
  |> sum()
"""


def run(layout: Layout, address: str, key: str, console: Console) -> bool:
    """Whether an experiment was decided for lists of one's own, and somebody forgotten. Raises HeadraceError."""
    draw = random.Random(7)  # noqa: S311  # a demo, not a secret
    suffix = f"{int(time.time()) % 100_000:05}"
    people = [Person(f"demo-{suffix}-{number}", draw) for number in range(PEOPLE)]
    with Shop(address, key) as shop:
        _teach(shop, people, console)
        somebody = f"demo-{suffix}-new"
        _follow(shop, somebody, console)
        began = datetime.now(UTC)
        with _declared(layout, f"demo-{suffix}") as experiment:
            pseudonym_of = read_key(layout.settings.secrets / KEY_FILE).pseudonym
            clicks = _visit(shop, experiment, people, pseudonym_of, console)
            found = _standing(layout, experiment, console)
        _live(layout, began, clicks, console)
        is_forgotten = forget_somebody(layout, shop, somebody, console)
    decided = found.interval is not None and found.interval.low > 0 and not found.is_mismatched
    mark = "[green]✔[/] The experiment is" if decided else "[red]✘[/] The experiment is not"
    console.print(f"Lists followed each click. {mark} decided for lists of one's own.", highlight=False)
    return decided and is_forgotten


def _teach(shop: Shop, people: Sequence[Person], console: Console) -> None:
    began_ms = int(time.time() * 1000) - HOUR_MS
    posted = histories(people, EACH, began_ms, step_ms=HOUR_MS // (PEOPLE * EACH))
    began = time.monotonic()
    while batch := list(islice(posted, AT_ONCE)):
        shop.post(batch)
    last = people[-1].name
    wait_until(f"a list of {last}'s own", lambda: shop.list_of(last)["source"] == "personal", LEARNED_WITHIN_S)
    console.print(f"{PEOPLE * EACH:,} interactions of {PEOPLE} users, learned after {time.monotonic() - began:.1f} s")


def _follow(shop: Shop, user: str, console: Console) -> None:
    table = Table("click", "list", "why", "after", title="Somebody new", title_justify="left")
    before = shop.list_of(user)
    table.add_row("", *_told(before), "")
    for series, number in CLICKS:
        clicked = item(series, number)
        began = time.monotonic()
        shop.post([{"user": user, "item": clicked, "action": "view", "event_time": int(time.time() * 1000)}])

        def changed(before: dict[str, Any] = before) -> dict[str, Any] | None:
            found = shop.list_of(user)
            return found if found["source"] == "personal" and found["items"] != before["items"] else None

        before = wait_until(f"a list that knows of {clicked}", changed, CHANGED_WITHIN_S, pause_s=0.05)
        table.add_row(clicked, *_told(before), f"{time.monotonic() - began:.1f} s")
    console.print(table)


def _told(answer: dict[str, Any]) -> tuple[str, str]:
    first = answer["items"][:3]
    return "\n".join(each["item"] for each in first), "\n".join(each.get("why") or "" for each in first)


@contextmanager
def _declared(layout: Layout, name: str) -> Iterator[Experiment]:
    """An experiment in front of those that the file declares, which is as it was afterwards."""
    path = layout.home / DECLARED
    before = path.read_text() if path.exists() else None
    write_whole(path, DECLARATION.format(name=name, within_h=SUCCESS_WITHIN_S / 3600) + (before or ""))
    try:
        yield ExperimentsFile(layout.home).all()[0]
    finally:
        if before is None:
            path.unlink()
        else:
            write_whole(path, before)


def _visit(
    shop: Shop, experiment: Experiment, people: Sequence[Person], pseudonym_of: Callable[[str], str], console: Console
) -> int:
    """Half of them see what is popular, half their own list; they click what they want, if it is there. The clicks."""
    control = next(each.name for each in people if experiment.arm_of(pseudonym_of(each.name)) == CONTROL)

    def all_instances_know() -> bool:
        return all(shop.list_of(control)["source"] == "popular" for _ in range(2 * MOST_INSTANCES))

    wait_until("the instances to show the arms", all_instances_know, CHANGED_WITHIN_S)
    clicks = 0
    for person in people:
        answer = shop.list_of(person.name)
        choice = person.clicks([each["item"] for each in answer["items"]])
        if choice is not None:
            clicks += 1
            click = {"user": person.name, "item": choice, "action": "click", "event_time": int(time.time() * 1000)}
            shop.post([click | {"exposure_id": answer["exposure_id"]}])
    console.print(f"{len(people)} users were shown a list of an experiment, and clicked {clicks} times")
    return clicks


def _standing(layout: Layout, experiment: Experiment, console: Console) -> Standing:
    """Once the time of all is over, by the clock: no event comes that would say what time it is."""
    ends_s = time.time() + SUCCESS_WITHIN_S
    wait_until("the end of the experiment", lambda: time.time() > ends_s, 2 * SUCCESS_WITHIN_S)
    ([outcomes], _) = from_topics(layout.endpoints.kafka, [experiment])
    outcomes.newest_ms = max(outcomes.newest_ms, int(time.time() * 1000))
    found = standing(outcomes, None)
    print_standing(found, console)
    return found


def _live(layout: Layout, began: datetime, clicks: int, console: Console) -> None:
    """What measure_recommendations has counted, once it has counted every click."""
    query = LIVE.format(bucket=layout.endpoints.influxdb_bucket, since=began.strftime("%Y-%m-%dT%H:%M:%SZ"))
    reader = InfluxDBReader.connect(layout.endpoints)

    def look() -> dict[str, Counter[str]] | None:
        found: dict[str, Counter[str]] = {}
        for row in reader.rows(query):
            found.setdefault(row["source"], Counter())[row["action"]] += int(row["_value"])
        return found if sum(counts["click"] for counts in found.values()) == clicks else None

    found = wait_until(f"{clicks} clicks in InfluxDB", look, MEASURED_WITHIN_S, pause_s=1)
    table = Table("list", "shown", "clicks", "click-through", title="InfluxDB, live", title_justify="left")
    for source, counts in sorted(found.items()):
        shown, clicked = counts[SHOWN], counts["click"]
        table.add_row(source, f"{shown:,}", f"{clicked:,}", f"{clicked / shown:.1%}" if shown else "")
    console.print(table)
