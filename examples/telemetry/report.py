"""The table at the end of the demo."""

from datetime import datetime

from rich.console import Console
from rich.table import Table

from connectors.endpoints import Endpoints
from examples.telemetry.latency import percentile
from examples.telemetry.run import DemoResult, rejected_by_reason
from schemas.anomaly_score import AnomalyScore

MAX_EPISODES = 12


def print_result(result: DemoResult, endpoints: Endpoints, console: Console) -> None:
    """What was sent and what became of it, alerts, latency, links, and the verdict."""
    after, before = result.balance.totals, result.before
    table = Table(title="What became of it", title_justify="left")
    table.add_column("")
    table.add_column("messages or readings", justify="right")
    table.add_column("expected", justify="right")
    table.add_row("messages sent and acknowledged", f"{result.sent:,}", "")
    table.add_row("readings stored", f"{result.stored:,}", "")
    table.add_row(
        "  from Zigbee2MQTT and Sparkplug B", f"{result.dialect_readings:,}", f"{result.fleet.dialects.readings:,}"
    )
    table.add_row("  of them late for their windows", f"{after.late - before.late:,}", f"{result.fleet.late:,}")
    table.add_row(
        "duplicates, not stored again", f"{after.duplicates - before.duplicates:,}", f"{result.fleet.duplicates:,}"
    )
    for reason, count in rejected_by_reason(after, before).items():
        table.add_row(f"dead letters: {reason}", f"{count:,}", f"{result.fleet.expected[reason]:,}")
    table.add_row("alerts", f"{len(result.episodes):,}", "")
    table.add_row("  of sensor faults, planted", f"{len(result.found):,}", f"{len(result.fleet.planted):,}")
    console.print(table)
    _print_episodes(result, console)
    _print_latency(result, console)
    console.print(f"\n{result.stored / result.seconds:,.0f} readings a second for {result.seconds:.0f} s")
    console.print(f"Flink's dashboard   http://{endpoints.flink}")
    console.print("Everything else     headrace endpoints, headrace status, headrace balance. Stop it: headrace down")
    _print_verdict(result, console)


def _print_episodes(result: DemoResult, console: Console) -> None:
    planted = {(alert.device, alert.metric, alert.event_time): fault for fault, alert in result.found.items()}
    for score in sorted(result.episodes, key=lambda score: score.event_time)[-MAX_EPISODES:]:
        at = datetime.fromtimestamp(score.event_time / 1000).strftime("%H:%M:%S")
        fault = planted.get((score.device, score.metric, score.event_time))
        source = f" [dim](planted: a sensor {fault.fault.what})[/]" if fault else ""
        console.print(f"  {at}  {score.device} {score.metric}: {_why(score)}{source}", highlight=False, soft_wrap=True)
    others = len(result.episodes) - MAX_EPISODES
    if others > 0:
        n_series = len({(score.device, score.metric) for score in result.episodes})
        console.print(f"  and {others} before; in {n_series} series in all")
    for fault in result.fleet.planted:
        if fault not in result.found:
            console.print(f"  not found: {fault.device} {fault.metric}, a sensor {fault.fault.what}", soft_wrap=True)


def _print_latency(result: DemoResult, console: Console) -> None:
    for what, ages in (("reading", result.latency.readings_ms), ("score", result.latency.scores_ms)):
        p50, p99 = percentile(ages, 0.5), percentile(ages, 0.99)
        console.print(
            f"from publish until the {what} stands in Redis: p50 {p50:.0f} ms, p99 {p99:.0f} ms ({len(ages)} seen)"
        )


def _print_verdict(result: DemoResult, console: Console) -> None:
    balance = result.balance
    problems = [*map(str, balance.differences), *balance.waiting, *result.surprises]
    for problem in problems:
        console.print(f"[red]✘[/] {problem}", soft_wrap=True)
    if not problems:
        console.print(
            "\n[green]✔ It balances[/]: every item of every message is a reading, a duplicate or a dead letter;"
        )
        console.print("  every reading is in a window or late; InfluxDB and Redis hold them all.")


def _why(score: AnomalyScore) -> str:
    """The alert's sentence, or where the detector knows no range, its score."""
    if score.explanation is not None:
        return score.explanation
    return " over ".join(f"{name} {number:.4f}" for name, number in _numbers(score))


def _numbers(score: AnomalyScore) -> list[tuple[str, float]]:
    numbers = (("score", score.score), ("threshold", score.threshold))
    return [(name, number) for name, number in numbers if number is not None]
