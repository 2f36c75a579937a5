"""A benchmark that cannot be run says so in a line, and what to install."""

import os
import subprocess
import sys

import pytest

from bench import recommend, serving
from bench.command_line import DEBIAN_PACKAGES, require_programs, run
from headrace.errors import NotWithin
from stack.errors import MissingProgram
from stack.layout import REPOSITORY


def test_missing_programs_are_named_at_once_with_their_packages():
    with pytest.raises(MissingProgram) as missing:
        require_programs(
            "sh", "no-such-load", "nor-this", packages={"no-such-load": "load-tools", "nor-this": "others"}
        )
    assert str(missing.value) == (
        "no-such-load, nor-this are not installed. Install:  apt-get install load-tools others"
    )


def test_what_is_installed_is_not_missed():
    require_programs("sh")


def test_every_program_of_the_load_has_a_package():
    assert {*serving.PROGRAMS} <= DEBIAN_PACKAGES.keys()


@pytest.mark.parametrize("module", [recommend.__name__, serving.__name__])
def test_without_wrk_a_benchmark_ends_with_one_line_before_it_starts_anything(module, tmp_path):
    environment = os.environ | {"HEADRACE_WRK": str(tmp_path / "away"), "HEADRACE_BENCH_HOME": str(tmp_path / "home")}
    done = subprocess.run(
        [sys.executable, "-m", module], env=environment, cwd=REPOSITORY, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith("✘ wrk")
    assert line.count("apt-get install wrk") == 1
    assert done.stdout == ""
    assert not (tmp_path / "home").exists()


def test_what_a_person_can_do_something_about_is_a_line():
    def main():
        raise NotWithin("the instance is ready: not within 120 s")

    with pytest.raises(SystemExit, match=r"^✘ the instance is ready: not within 120 s$"):
        run(main)


def test_a_command_that_failed_is_named():
    def main():
        subprocess.run(["false"], check=True)

    with pytest.raises(SystemExit, match=r"^✘ false ended with 1$"):
        run(main)


def test_any_other_error_shows_where_it_came_from():
    def main():
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run(main)


@pytest.mark.parametrize("path", sorted((REPOSITORY / "bench").glob("*.py")), ids=lambda path: path.name)
def test_every_benchmark_is_run_so(path):
    assert "\n    main()\n" not in path.read_text()
