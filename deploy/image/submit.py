"""The role `submit`: `headrace submit` for the cluster that HEADRACE_FLINK names.

A local stack's jobs are given the stack's own addresses. In a container there is no local stack: the addresses are
those of the environment.
"""

import os
import sys
from pathlib import Path

from headrace import submission
from jobs.names import ALL_JOBS, JOBS
from schemas.errors import HeadraceError
from stack.layout import Layout


class ContainerLayout(Layout):
    """/opt of the image: Flink's configuration and jars lie where a local stack has them."""

    def environment(self) -> dict[str, str]:
        return dict(os.environ)


def main() -> None:
    jobs = sys.argv[1:] or list(JOBS)
    if unknown := set(jobs) - set(ALL_JOBS):
        sys.exit(f"no job {unknown.pop()!r}; there are {', '.join(ALL_JOBS)}")
    try:
        submission.submit(ContainerLayout(Path(os.environ["HEADRACE_HOME"])), jobs, os.environ["HEADRACE_FLINK"])
    except HeadraceError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
