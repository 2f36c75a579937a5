"""How far a command is, on a terminal and in a file."""

import io

from rich.console import Console

from headrace.progress import progress


def shown(is_terminal, *steps):
    text = io.StringIO()
    with progress("3 folds", 3, Console(file=text, force_terminal=is_terminal, width=100)) as advance:
        for n in steps:
            advance(n)
    return text.getvalue()


def test_a_terminal_sees_a_bar():
    assert "3/3" in shown(True, 1, 2)


def test_a_file_has_a_line_when_all_is_done():
    assert shown(False, 1, 2) == "3 folds: 3 of 3, 0 s\n"


def test_a_file_has_no_line_for_each_quick_step():
    assert shown(False, 1, 1) == ""
