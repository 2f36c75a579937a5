"""`python -m jobs JOB...`: the main() of several jobs in one client, so that one JVM plans them all."""

import sys
from importlib import import_module

from jobs.names import ALL_JOBS


def main(names: list[str]) -> None:
    for name in names:
        if name not in ALL_JOBS:
            raise SystemExit(f"no job {name!r}; there are {', '.join(ALL_JOBS)}")
    for name in names:
        print(f"planning {name}", flush=True)
        import_module(f"jobs.{name}").main()
        print(f"submitted {name}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
