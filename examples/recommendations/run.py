"""The demo of recommendations: lists that follow each click, an experiment that ends, somebody who is forgotten."""

import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import count, islice
from typing import Any

from rich.console import Console
from rich.table import Table

from connectors.atomic_write import atomic_write_text
from connectors.experiments_file import DECLARED
from connectors.influxdb.reader import InfluxDBReader
from connectors.pseudonyms import KEY_FILE, read_key
from examples.recommendations import live_feedback
from examples.recommendations.application import Shop
from examples.recommendations.forgotten import forget_somebody
from examples.recommendations.shop import Person, histories, item, names_of_both_arms
from headrace.experiments.from_topics import from_topics
from headrace.experiments.result import ExperimentResult, result
from headrace.experiments.result_table import print_result
from headrace.polling import wait_until
from jobs.settings import JobSettings
from schemas.experiment import CONTROL, Experiment, experiments_of
from schemas.recommendation_feedback import SHOWN
from stack.layout import Layout
from stack.serving import MAX_INSTANCES

PEOPLE, EACH = 400, 25
HOUR_MS = 3600 * 1000
CLICKS = ((7, 1), (7, 2), (12, 4))
"""Series and number of what somebody new clicks, one after the other."""
AT_ONCE = 100
LEARNED_WITHIN_S, CHANGED_WITHIN_S = 300.0, 30.0
MEASURED_WITHIN_S = 90.0
"""After the end of a window: a checkpoint of each of two jobs."""
SUCCESS_WITHIN_S = 20
DECLARATION = """
[{name}]
control   = {{ share = 50, list = "popular" }}
treatment = {{ share = 50, list = "personal" }}
success   = ["click"]
within_h  = {within_h:.6f}
"""


def run(layout: Layout, address: str, key: str, console: Console) -> bool:
    """Whether an experiment was decided for personal lists, and somebody forgotten.

    Raises
    ------
    HeadraceError
    """
    draw = random.Random(7)  # noqa: S311  # a demo, not a secret
    suffix = f"{int(time.time()) % 100_000:05}"
    declaration = DECLARATION.format(name=f"demo-{suffix}", within_h=SUCCESS_WITHIN_S / 3600)
    (experiment,) = experiments_of(declaration)
    pseudonym_of = read_key(layout.settings.secrets / KEY_FILE).pseudonym
    names = names_of_both_arms(experiment, (f"demo-{suffix}-{number}" for number in count()), PEOPLE, pseudonym_of)
    people = [Person(name, draw) for name in names]
    with Shop(address, key) as shop:
        _teach(shop, people, console)
        somebody = f"demo-{suffix}-new"
        _follow(shop, somebody, console)
        began_ms = int(time.time() * 1000)
        with _declared(layout, declaration):
            clicks = _visit(shop, experiment, people, pseudonym_of, console)
            found = _standing(layout, experiment, console)
        _live(layout, experiment, began_ms, clicks, console)
        is_forgotten = forget_somebody(layout, shop, somebody, console)
    decided = found.interval is not None and found.interval.low > 0 and not found.is_mismatched
    mark = "[green]✔[/] The experiment is" if decided else "[red]✘[/] The experiment is not"
    console.print(f"Lists followed each click. {mark} decided for personal lists.", highlight=False)
    return decided and is_forgotten


def _teach(shop: Shop, people: Sequence[Person], console: Console) -> None:
    began_ms = int(time.time() * 1000) - HOUR_MS
    posted = histories(people, EACH, began_ms, step_ms=HOUR_MS // (PEOPLE * EACH))
    began = time.monotonic()
    while batch := list(islice(posted, AT_ONCE)):
        shop.post(batch)
    strangers = [person.name for person in people]

    # All of them: topics have partitions, so whoever posted last is not the last to be learned.
    def all_have_lists() -> bool:
        while strangers and shop.list_of(strangers[-1])["source"] == "personal":
            strangers.pop()
        return not strangers

    wait_until("a list of each user's own", all_have_lists, LEARNED_WITHIN_S)
    console.print(f"{PEOPLE * EACH:,} interactions of {PEOPLE} users, learned after {time.monotonic() - began:.1f} s")


def _follow(shop: Shop, user: str, console: Console) -> None:
    table = Table("click", "list", "why", "after", title="Somebody new", title_justify="left")
    before = shop.list_of(user)
    table.add_row("", *_cells(before), "")
    for series, number in CLICKS:
        clicked = item(series, number)
        began = time.monotonic()
        shop.post([{"user": user, "item": clicked, "action": "view", "event_time": int(time.time() * 1000)}])

        def changed(before: dict[str, Any] = before) -> dict[str, Any] | None:
            found = shop.list_of(user)
            return found if found["source"] == "personal" and found["items"] != before["items"] else None

        before = wait_until(f"a list that knows of {clicked}", changed, CHANGED_WITHIN_S, pause_s=0.05)
        table.add_row(clicked, *_cells(before), f"{time.monotonic() - began:.1f} s")
    console.print(table)


def _cells(answer: dict[str, Any]) -> tuple[str, str]:
    first = answer["items"][:3]
    return "\n".join(each["item"] for each in first), "\n".join(each.get("why") or "" for each in first)


@contextmanager
def _declared(layout: Layout, declaration: str) -> Iterator[None]:
    """An experiment in front of those that the file declares, which is as it was afterwards."""
    path = layout.home / DECLARED
    before = path.read_text() if path.exists() else None
    atomic_write_text(path, declaration + (before or ""))
    try:
        yield
    finally:
        if before is None:
            path.unlink()
        else:
            atomic_write_text(path, before)


def _visit(
    shop: Shop, experiment: Experiment, people: Sequence[Person], pseudonym_of: Callable[[str], str], console: Console
) -> int:
    """Half of them see what is popular, half their own list; they click what they want, if it is there. The clicks."""
    control = next(each.name for each in people if experiment.arm_of(pseudonym_of(each.name)) == CONTROL)

    def all_instances_know() -> bool:
        return all(shop.list_of(control)["source"] == "popular" for _ in range(2 * MAX_INSTANCES))

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


def _standing(layout: Layout, experiment: Experiment, console: Console) -> ExperimentResult:
    """Once the time of all is over, by the clock: no event comes that would say what time it is."""
    ends_s = time.time() + SUCCESS_WITHIN_S
    wait_until("the end of the experiment", lambda: time.time() > ends_s, 2 * SUCCESS_WITHIN_S)
    ([outcomes], _) = from_topics(layout.endpoints.kafka, [experiment])
    outcomes.newest_ms = max(outcomes.newest_ms, int(time.time() * 1000))
    found = result(outcomes, None)
    print_result(found, console)
    return found


def _live(layout: Layout, experiment: Experiment, began_ms: int, clicks: int, console: Console) -> None:
    """What measure_recommendations has counted, once it has counted every click."""
    reader = InfluxDBReader.connect(layout.endpoints)
    query = live_feedback.query(layout.endpoints.influxdb_bucket, experiment, began_ms)

    def look() -> live_feedback.Counts | None:
        found = live_feedback.counts(reader.rows(query))
        return found if sum(actions["click"] for actions in found.values()) >= clicks else None

    within_s = JobSettings().measured_every_s + MEASURED_WITHIN_S
    found = wait_until(f"{clicks} clicks in InfluxDB", look, within_s, pause_s=1)
    table = Table("list", "shown", "clicks", "click-through", title="InfluxDB, live", title_justify="left")
    for source, actions in sorted(found.items()):
        shown, clicked = actions[SHOWN], actions["click"]
        table.add_row(source, f"{shown:,}", f"{clicked:,}", f"{clicked / shown:.1%}" if shown else "")
    console.print(table)
