"""`headrace publish`: anyone's CSV as a device's telemetry."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import track

from headrace.cli.options import Home, PortOffset


def publish(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="CSV with a header line.")],
    device: Annotated[str, typer.Option(help="Device that the readings are of.")],
    metric: Annotated[str, typer.Option(help="What the value column measures.")],
    time_column: Annotated[str | None, typer.Option(help="[timestamp, time, ts or date]")] = None,
    value_column: Annotated[str | None, typer.Option(help="[value, else the only other column]")] = None,
    unit: Annotated[str | None, typer.Option(help="UCUM code of the values.")] = None,
    rate: Annotated[float, typer.Option(min=0, help="Readings a second; 0: as fast as it goes.")] = 1000,
    keep_time: Annotated[bool, typer.Option("--keep-time", help="Send the file's times, not now.")] = False,
    home: Home = None,
    port_offset: PortOffset = None,
) -> None:
    """Send a CSV over MQTT as the telemetry of one device, stamped to now unless --keep-time.

    A value that is no number is sent as it stands: it becomes a dead letter that says so.
    """
    from connectors.endpoints import Endpoints
    from headrace.csv_readings import CsvReadings
    from headrace.publisher import Pace, Publisher
    from stack.layout import Layout

    endpoints = Endpoints.load(Layout.of(home, port_offset).settings)
    readings = CsvReadings.open(file, metric, time_column, value_column, unit, keep_time)
    publisher, pace = Publisher(endpoints.mqtt_host, endpoints.mqtt_port), Pace(rate)
    for payload in track(readings, f"{file.name} → fleet/{device}/telemetry"):
        publisher.publish(device, payload)
        pace.wait()
    publisher.close()
    Console().print(f"{publisher.acknowledged} readings acknowledged. See them: headrace status")
