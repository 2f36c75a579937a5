"""Changes to a payload: by the person's editor, by jq, or by a Python expression."""

import json
import math
import os
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from headrace.dead_letters.errors import EditFailed

PayloadEdit = Callable[[bytes], bytes]
"""The payload as it should have been. Raises EditFailed."""

JQ_WITHIN_S = 10


def by_python(expression: str) -> PayloadEdit:
    """The value of an expression over `payload`: the parsed JSON, or the text where it is no JSON.

    `json` and `math` are there too. It is code, and runs with the rights of whoever types it. Bytes that are no UTF-8
    stand in the text as Python's surrogate escapes. A result that is a text is the new payload itself, anything else
    is written as JSON.
    """
    try:
        code = compile(expression, "--python", "eval")
    except (SyntaxError, ValueError) as error:
        raise EditFailed(f"--python takes one expression, such as \"payload | {{'value': 21.4}}\": {error}") from error

    def edit(payload: bytes) -> bytes:
        try:
            result = eval(code, {"payload": _parsed(payload), "json": json, "math": math})  # noqa: S307
            return _written(result)
        except Exception as error:
            raise EditFailed(f"--python fails on this payload: {type(error).__name__}: {error}") from error

    return edit


def by_jq(expression: str) -> PayloadEdit:
    """The one result of a jq filter.

    Raises
    ------
    EditFailed
        At once where jq is not installed.
    """
    program = shutil.which("jq")
    if program is None:
        raise EditFailed(
            "jq is not installed. Install it:  apt-get install jq   (or write it in Python:  --python EXPR)"
        )

    def edit(payload: bytes) -> bytes:
        try:
            done = subprocess.run([program, "-c", expression], input=payload, capture_output=True, timeout=JQ_WITHIN_S)
        except subprocess.TimeoutExpired as error:
            raise EditFailed(f"jq took over {JQ_WITHIN_S} s") from error
        if done.returncode:
            raise EditFailed(f"jq refuses: {done.stderr.decode(errors='replace').strip()}")
        results = done.stdout.splitlines()
        if len(results) != 1:
            raise EditFailed(f"jq gave {len(results)} results instead of one")
        return results[0]

    return edit


def by_editor(command: str | None = None) -> PayloadEdit:
    """What the person leaves in the file that `command`, $VISUAL or $EDITOR (else vi) is opened with."""
    words = shlex.split(command or os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi")

    def edit(payload: bytes) -> bytes:
        with tempfile.TemporaryDirectory(prefix="headrace-dlq-") as folder:
            file = Path(folder) / "payload.json"
            file.write_bytes(payload)
            try:
                status = subprocess.run([*words, str(file)]).returncode
            except OSError as error:
                raise EditFailed(f"The editor {words[0]} does not start ({error}). Name another in EDITOR") from error
            if status:
                raise EditFailed(f"{words[0]} ended with status {status}: nothing is changed")
            edited = file.read_bytes()
        # An editor ends the last line, which the device did not.
        return edited if payload.endswith(b"\n") else edited.removesuffix(b"\n")

    return edit


def _parsed(payload: bytes) -> Any:
    try:
        return json.loads(payload)
    except ValueError:
        return payload.decode(errors="surrogateescape")


def _written(result: Any) -> bytes:
    if isinstance(result, str):
        return result.encode()
    return json.dumps(result, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()
