"""Every figure of the recommendations against its limit: the models, the job, the API, one after the other.

    python -m bench.recommend

What the three say is shown as they say it; their verdicts are printed again at the end, one below the other.
"""

import subprocess
import sys

from bench.command_line import require_programs, run
from bench.serving import PROGRAMS as OF_SERVING
from bench.serving import cores

PARTS = ("bench.recommenders", "bench.recommend_job", "bench.serving")


def main() -> None:
    require_programs(*OF_SERVING)  # wanted by the last part only, but said at once; and so the cores
    cores()
    verdicts = [line for part in PARTS for line in _verdicts(part)]
    print("\n" + "\n".join(verdicts))


def _verdicts(part: str) -> list[str]:
    """Run one part of the benchmark, and return its verdicts.

    Raises
    ------
    SystemExit
        When the part fails; with its exit status.
    """
    print(f"\n{part}", flush=True)
    found = []
    with subprocess.Popen([sys.executable, "-m", part], stdout=subprocess.PIPE, text=True) as process:
        for line in process.stdout or ():
            print(line, end="", flush=True)
            if line.rstrip().endswith((": met", ": missed")):
                found.append(line.rstrip())
    if process.returncode:
        sys.exit(process.returncode)
    return found


if __name__ == "__main__":
    run(main)
