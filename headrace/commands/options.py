"""Options that several commands share."""

from pathlib import Path
from typing import Annotated

import typer

Home = Annotated[Path | None, typer.Option("--home", help="Folder of the stack [HEADRACE_HOME, .headrace].")]
PortOffset = Annotated[
    int | None,
    typer.Option("--port-offset", min=0, max=40000, help="Added to every port [HEADRACE_PORT_OFFSET, 0]."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
