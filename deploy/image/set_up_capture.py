"""The role `capture`: tables, publication and connector, as `headrace up --with postgres,connect` makes them.

For the servers that HEADRACE_POSTGRES_HOST and HEADRACE_CONNECT name. Changes nothing twice.
"""

import sys
import time

from connectors.cdc import CaptureError, ConnectAway, ConnectorRefused, connector, database
from connectors.cdc.endpoints import CaptureEndpoints

PASSWORD = "${file:/run/secrets/connect.properties:postgres}"  # noqa: S105  # names it; Connect resolves the name
RUNS_WITHIN_S = 120


def main() -> None:
    endpoints = CaptureEndpoints.load()
    try:
        database.prepare(endpoints)
        connector.register(endpoints, PASSWORD)
        _wait_until_it_runs(endpoints)
    except CaptureError as error:
        sys.exit(str(error))
    print("changes are captured")


def _wait_until_it_runs(endpoints: CaptureEndpoints) -> None:
    """Raises ConnectAway, ConnectorRefused."""
    until = time.monotonic() + RUNS_WITHIN_S
    while not (found := connector.state(endpoints)).runs:
        if found.task == "FAILED":
            raise ConnectorRefused(f"the connector's task failed: {found.trace}")
        if time.monotonic() > until:
            raise ConnectAway(f"the connector is {found.connector}, its task {found.task}")
        time.sleep(0.5)


if __name__ == "__main__":
    main()
