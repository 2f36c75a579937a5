"""`headrace publish`: a CSV file as the telemetry of a device."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import track

from headrace.cli.options import Home, PortOffset


def publish(
    file: Annotated[
        Path, typer.Argument(metavar="FILE.csv", exists=True, dir_okay=False, help="CSV file with a header line.")
    ],
    device: Annotated[
        str, typer.Option(metavar="DEVICE", help="Device that sends the readings; part of the MQTT topic.")
    ],
    metric: Annotated[
        str, typer.Option(metavar="METRIC", help="Metric that the value column measures, such as `temperature`.")
    ],
    time_column: Annotated[
        str | None,
        typer.Option(
            metavar="COLUMN",
            help="Column with the time of each reading.",
            show_default="timestamp, time, ts, date or datetime",
        ),
    ] = None,
    value_column: Annotated[
        str | None,
        typer.Option(
            metavar="COLUMN", help="Column with the values.", show_default="value, else the only other column"
        ),
    ] = None,
    unit: Annotated[
        str | None,
        typer.Option(
            metavar="CODE",
            help="UCUM code of the values' unit, such as `Cel` (docs/reference/units.md).",
            show_default="the metric's own unit",
        ),
    ] = None,
    rate: Annotated[
        float, typer.Option(metavar="NUMBER", min=0, help="Readings a second. 0 sends as fast as possible.")
    ] = 1000,
    keep_time: Annotated[
        bool, typer.Option("--keep-time", help="Send the times of the file instead of the current time.")
    ] = False,
    home: Home = None,
    port_offset: PortOffset = None,
) -> None:
    """Publish a CSV file over MQTT as the telemetry of one device.

    A value that is not a number is sent as it is, and becomes a dead letter.

    Example: `headrace publish readings.csv --device pump-7 --metric temperature --unit Cel`
    """
    from connectors.endpoints import Endpoints
    from headrace.csv_readings import CsvReadings
    from headrace.publisher import Pace, Publisher
    from stack.layout import Layout

    endpoints = Endpoints.load(Layout.of(home, port_offset).settings)
    readings = CsvReadings.open(file, metric, time_column, value_column, unit, keep_time)
    publisher, pace = Publisher(endpoints), Pace(rate)
    for payload in track(readings, f"{file.name} → fleet/{device}/telemetry"):
        publisher.publish(device, payload)
        pace.wait()
    publisher.close()
    Console().print(f"{publisher.acknowledged} readings acknowledged. See them: headrace status")
