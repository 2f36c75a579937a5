"""The role `capture`: tables, publication and connector, as `headrace up --with postgres,connect` makes them.

For the servers that HEADRACE_POSTGRES_HOST and HEADRACE_CONNECT name. Changes nothing twice.
"""

import sys

from connectors.endpoints import Endpoints
from connectors.postgres_cdc import CaptureError, database, repair
from connectors.postgres_cdc.endpoints import CaptureEndpoints

PASSWORD = "${file:/run/secrets/connect.properties:postgres}"  # noqa: S105  # names it; Connect resolves the name
RUNS_WITHIN_S = 120.0
CATCHES_UP_WITHIN_S = 120.0


def main() -> None:
    endpoints = CaptureEndpoints.load()
    try:
        database.prepare(endpoints)
        repair.start_connector(endpoints, PASSWORD)
        repair.wait_until_it_runs(endpoints, RUNS_WITHIN_S)
        repair.refresh(endpoints, Endpoints.load().kafka, CATCHES_UP_WITHIN_S, print)
    except CaptureError as error:
        sys.exit(str(error))
    print("changes are captured")


if __name__ == "__main__":
    main()
