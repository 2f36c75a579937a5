"""A missing program is named with the line that installs it."""

from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version

import pytest

from headrace.errors import BuildFailed, MissingProgram
from headrace.stack import influxd, jars, operators_jar, programs


@pytest.fixture
def nothing_installed(tmp_path, monkeypatch):
    """An empty PATH and an empty cache; returns a folder for fake programs that is on the PATH."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setattr(programs, "_search_path", lambda: str(folder))
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setenv("HEADRACE_CACHE", str(tmp_path / "cache"))
    for name in ("JAVA_HOME", "HEADRACE_INFLUXD", "HEADRACE_MVN", "HEADRACE_JAVA", "HEADRACE_JAVAC"):
        monkeypatch.delenv(name, raising=False)
    return folder


def fake(folder, name, script="exit 0"):
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


@pytest.mark.parametrize(("program", "package"), programs.DEBIAN_PACKAGES.items())
def test_a_missing_program_is_named_with_its_install_line(nothing_installed, program, package):
    with pytest.raises(MissingProgram) as error:
        programs.find(program)
    assert f"apt-get install -y --no-install-recommends {package}\n" in str(error.value)


def test_a_program_on_the_path_is_found(nothing_installed):
    path = fake(nothing_installed, "mosquitto")
    assert programs.find("mosquitto") == path


def test_the_environment_names_another_program(nothing_installed, tmp_path, monkeypatch):
    path = fake(tmp_path, "my-redis")
    monkeypatch.setenv("HEADRACE_REDIS_SERVER", str(path))
    assert programs.find("redis-server") == path


def test_java_of_java_home_is_found(nothing_installed, tmp_path, monkeypatch):
    (tmp_path / "jdk" / "bin").mkdir(parents=True)
    path = fake(tmp_path / "jdk" / "bin", "java")
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "jdk"))
    assert programs.find("java") == path


def test_without_root_the_missing_packages_are_listed_in_one_line(nothing_installed, monkeypatch):
    monkeypatch.setattr(programs.os, "getuid", lambda: 1000)
    with pytest.raises(MissingProgram, match=r"sudo apt-get install .* mosquitto redis-server openjdk"):
        programs.install_missing(print)


def test_influxd_is_taken_from_the_environment_then_the_cache(nothing_installed, tmp_path, monkeypatch):
    influxd.built().parent.mkdir(parents=True)
    cached = fake(influxd.built().parent, "influxd")
    assert influxd.find() == cached
    named = fake(tmp_path, "my-influxd")
    monkeypatch.setenv("HEADRACE_INFLUXD", str(named))
    assert influxd.find() == named


def test_a_missing_influxd_names_headrace_setup(nothing_installed):
    with pytest.raises(MissingProgram, match="headrace setup"):
        influxd.find()


def test_an_old_go_is_named_with_what_to_do(nothing_installed):
    fake(nothing_installed, "go", "echo go version go1.19.8 linux/amd64")
    with pytest.raises(MissingProgram, match=r"Go 1\.19 is too old.*https://go\.dev/dl.*HEADRACE_INFLUXD"):
        influxd.build(print)


def test_a_missing_go_is_named_with_what_to_do(nothing_installed):
    with pytest.raises(MissingProgram, match=r"Go is not installed"):
        influxd.build(print)


MAVEN = """
for word in "$@"; do case "$word" in -DoutputDirectory=*) folder="${word#*=}" ;; esac; done
/bin/mkdir -p "$folder" && echo jar > "$folder/some.jar"
"""


def test_jars_are_fetched_once_for_each_version_of_the_pom(nothing_installed):
    maven = fake(nothing_installed, "mvn", MAVEN)
    folder = jars.fetch(lambda text: None)
    assert [(folder / group / "some.jar").is_file() for group in jars.GROUPS] == [True, True, True]
    maven.unlink()
    assert jars.fetch(lambda text: None) == folder


def test_a_failed_download_leaves_nothing_half(nothing_installed):
    fake(nothing_installed, "mvn", MAVEN + "case \"$*\" in *kafka*) echo '[ERROR] no network'; exit 1 ;; esac")
    with pytest.raises(BuildFailed, match="no network"):
        jars.fetch(lambda text: None)
    assert list(jars.folder().parent.iterdir()) == []


PACKAGE = """
folder="${4%/pom.xml}"
[ -f "$folder/src/main/java/A.java" ] || { echo "[ERROR] no sources in $*"; exit 1; }
/bin/mkdir "$folder/target" && echo "$JAVA_HOME" > "$folder/target/headrace-flink.jar"
"""


@pytest.fixture
def java_sources(tmp_path):
    """A module of one class and one test."""
    folder = tmp_path / "module"
    for name in ("pom.xml", "src/main/java/A.java", "src/test/java/ATest.java", "target/classes/A.class"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)
    return folder


def test_the_operators_jar_is_built_once_for_each_version_of_its_sources(nothing_installed, java_sources):
    maven = fake(nothing_installed, "mvn", PACKAGE)
    javac = fake(nothing_installed, "javac")
    jar = operators_jar.build(lambda text: None, java_sources)
    assert jar.read_text() == f"{javac.parents[1]}\n"
    maven.unlink()
    assert operators_jar.build(lambda text: None, java_sources) == jar
    (java_sources / "src" / "test" / "java" / "ATest.java").write_text("another test")
    assert operators_jar.built(java_sources) == jar
    (java_sources / "src" / "main" / "java" / "A.java").write_text("another class")
    assert operators_jar.built(java_sources) != jar
    assert sorted(path.name for path in java_sources.iterdir()) == ["pom.xml", "src", "target"]


def test_the_operators_jar_is_built_by_several_at_once(nothing_installed, java_sources):
    fake(nothing_installed, "mvn", PACKAGE)
    fake(nothing_installed, "javac")
    with ThreadPoolExecutor(4) as pool:
        made = {each.result() for each in [pool.submit(operators_jar.build, print, java_sources) for _ in range(8)]}
    (jar,) = made
    assert [path.name for path in jar.parents[1].iterdir()] == [jar.parent.name]


def test_without_a_java_compiler_the_line_that_installs_it_is_named(nothing_installed, java_sources):
    fake(nothing_installed, "mvn", PACKAGE)
    with pytest.raises(MissingProgram, match=r"javac is not installed.*openjdk-17-jdk-headless"):
        operators_jar.build(print, java_sources)


def test_a_failed_build_of_the_operators_names_mavens_first_error_and_leaves_nothing_half(
    nothing_installed, java_sources
):
    fake(nothing_installed, "mvn", "echo '[ERROR] A.java: cannot find symbol'; echo '[ERROR] help'; exit 1")
    fake(nothing_installed, "javac")
    with pytest.raises(BuildFailed, match=r"headrace-flink.jar: \[ERROR\] A.java: cannot find symbol"):
        operators_jar.build(print, java_sources)
    assert list(operators_jar.built(java_sources).parents[1].iterdir()) == []


def test_the_operators_are_compiled_for_the_flink_that_runs_them():
    pom = (operators_jar.SOURCE / "pom.xml").read_text()
    assert f"<flink.version>{version('apache-flink')}</flink.version>" in pom
