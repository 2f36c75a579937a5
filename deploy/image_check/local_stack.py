"""A local stack that lends its servers, and steps aside where the image takes over."""

import subprocess
import sys
from pathlib import Path
from types import TracebackType

from stack.errors import StackUnusable
from stack.layout import Layout
from stack.programs import last_line
from stack.supervision import Supervision

COMMAND_LINE = "from headrace.cli.main import app; app()"


class LocalStack:
    """`headrace up` in a folder and on ports of its own; leaving the `with` is `headrace down`."""

    def __init__(self, home: Path, port_offset: int) -> None:
        self.layout = Layout(home, port_offset)
        self._supervision = Supervision(self.layout)

    def __enter__(self) -> "LocalStack":
        try:
            self._headrace("up")
        except BaseException:
            self._headrace("down", check=False)
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._headrace("down", check=False)

    def stop(self, *servers: str) -> None:
        """Through supervisord, which then does not start them again."""
        self._supervision.stop(servers)
        self.require_stopped(*servers)

    def require_stopped(self, *servers: str) -> None:
        """Check that these servers of the local stack are stopped.

        Raises
        ------
        StackError
            When one runs: it would do the work that the image is to be tested for.
        """
        processes = self._supervision.processes()
        running = [name for name in servers if processes[name]["pid"]]
        if running:
            raise StackUnusable(f"the local stack's own {', '.join(running)} runs")

    def _headrace(self, *arguments: str, check: bool = True) -> None:
        done = subprocess.run(
            [sys.executable, "-c", COMMAND_LINE, *arguments],
            env=self.layout.environment(), capture_output=True, text=True, start_new_session=True,
        )  # fmt: skip
        if check and done.returncode:
            raise StackUnusable(
                f"headrace {' '.join(arguments)}: {last_line(done.stderr or done.stdout)}\n{done.stderr}"
            )
