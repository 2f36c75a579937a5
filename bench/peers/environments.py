"""An environment of its own for each peer, from a file that locks the versions."""

import shutil
import subprocess
from pathlib import Path

from stack.errors import MissingProgram
from stack.layout import REPOSITORY

PYTHON = "3.11"
REQUIREMENTS = Path(__file__).with_name("requirements")


def make(folder: Path, name: str) -> Path:
    """The environment `name`; the path of its Python.

    Raises
    ------
    MissingProgram
        Without uv.
    subprocess.CalledProcessError
        When something does not install; its `stderr` says what.
    """
    uv = shutil.which("uv") or str(REPOSITORY / ".tools" / "bin" / "uv")
    if not Path(uv).exists():
        raise MissingProgram("uv is not installed, and the peers need it. Install it:  pip install uv")
    python = folder / name / "bin" / "python"
    for arguments in (
        ["venv", "--quiet", "--allow-existing", "--python", PYTHON, str(folder / name)],
        ["pip", "install", "--quiet", "--python", str(python), "--requirement", str(REQUIREMENTS / f"{name}.txt")],
    ):
        subprocess.run([uv, *arguments], check=True, capture_output=True, text=True)
    return python
