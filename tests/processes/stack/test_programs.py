"""A missing program is named with the line that installs it."""

import os
from concurrent.futures import ThreadPoolExecutor
from importlib import metadata

import pytest

from stack import influxd, jars, operators_jar, programs
from stack.errors import BuildFailed, MissingProgram


@pytest.fixture
def nothing_installed(tmp_path, monkeypatch):
    """An empty PATH and an empty cache; returns a folder for fake programs that is on the PATH."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setattr(programs, "_search_path", lambda: str(folder))
    monkeypatch.setattr(programs, "JAVA_FOLDERS", tmp_path / "jvm")
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setenv("HEADRACE_CACHE", str(tmp_path / "cache"))
    for name in ("JAVA_HOME", "HEADRACE_INFLUXD", *map(programs.variable, programs.DEBIAN_PACKAGES)):
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


def version(text):
    """What `java -version` prints, to the error stream."""
    lines = f'openjdk version "{text}" 2026-01-20\nOpenJDK Runtime Environment (build {text}+6)'
    return f"/bin/cat >&2 <<'END'\n{lines}\nEND"


def java_home(folder, text):
    (folder / "bin").mkdir(parents=True)
    return fake(folder / "bin", "java", version(text))


def java_folder(folder, text):
    """As packages lay it out: the version stands in a file."""
    (folder / "bin").mkdir(parents=True)
    (folder / "release").write_text(f'IMPLEMENTOR="Debian"\nJAVA_VERSION="{text}"\nOS_NAME="Linux"\n')
    return fake(folder / "bin", "java", "exit 1")


def test_java_of_java_home_is_found(nothing_installed, tmp_path, monkeypatch):
    path = java_home(tmp_path / "jdk", "17.0.15")
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "jdk"))
    assert programs.find("java") == path


SUPPORTED = ["17.0.15", "17", "21.0.2", "21", "21-ea"]
UNSUPPORTED = {
    "1.8.0_412": 8,
    "11.0.24": 11,
    "20.0.1": 20,
    "22": 22,
    "25.0.1": 25,
    "25-ea": 25,
    "170.1": 170,
    "1.7.0": 7,
}


@pytest.mark.parametrize("text", SUPPORTED)
def test_java_17_and_21_are_found_wherever_they_are(nothing_installed, tmp_path, monkeypatch, text):
    of_debian = java_folder(tmp_path / "jvm" / f"java-{text[:2]}-openjdk-amd64", text)
    assert programs.find("java") == of_debian
    on_path = fake(nothing_installed, "java", version(text))
    assert programs.find("java") == on_path
    of_home = java_home(tmp_path / "home", text)
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "home"))
    assert programs.find("java") == of_home
    named = fake(tmp_path, "my-java", version(text))
    monkeypatch.setenv("HEADRACE_JAVA", str(named))
    assert programs.find("java") == named


@pytest.mark.parametrize(("text", "number"), UNSUPPORTED.items())
def test_another_java_is_named_in_one_line_with_what_is_needed(nothing_installed, tmp_path, text, number):
    path = fake(nothing_installed, "java", version(text))
    java_folder(tmp_path / "jvm" / f"java-{number}-openjdk-amd64", text)
    assert "openjdk-17-jre-headless" in programs._packages(programs.missing())
    with pytest.raises(MissingProgram) as error:
        programs.find("java")
    first = str(error.value).splitlines()[0]
    assert first.startswith(
        f"Flink and Kafka need Java 17 or 21, and {path} is Java {number}. Install it:  sudo apt-get"
    )


def test_a_java_that_fits_is_taken_though_another_comes_first(nothing_installed, tmp_path, monkeypatch):
    fake(nothing_installed, "java", version("25"))
    java_home(tmp_path / "home", "11.0.2")
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "home"))
    newer = java_folder(tmp_path / "jvm" / "java-21-openjdk-amd64", "21.0.2")
    assert programs.find("java") == newer
    preferred = java_folder(tmp_path / "jvm" / "temurin-17-jre-amd64", "17.0.9")
    assert programs.find("java") == preferred


@pytest.mark.parametrize("script", [version("25"), "exit 0", "echo 'not a version'", "exit 1", 'echo version "x"'])
def test_a_java_that_is_named_and_does_not_fit_is_not_replaced_by_another(
    nothing_installed, monkeypatch, script, tmp_path
):
    fake(nothing_installed, "java", version("17"))
    monkeypatch.setenv("HEADRACE_JAVA", str(fake(tmp_path, "my-java", script)))
    for ask in (lambda: programs.find("java"), lambda: programs.install_missing(print)):
        with pytest.raises(
            MissingProgram, match=r"need Java 17 or 21, and .*my-java is (Java 25|no Java)\. HEADRACE_JAVA"
        ):
            ask()


@pytest.mark.parametrize("program", programs.DEBIAN_PACKAGES)
def test_nothing_is_installed_for_a_program_that_a_variable_names_wrongly(nothing_installed, monkeypatch, program):
    for other in programs.DEBIAN_PACKAGES:
        fake(nothing_installed, other, version("17"))
    fake(nothing_installed, "apt-get", "echo must not be run >&2; exit 1")
    monkeypatch.setattr(os, "getuid", lambda: 0)
    monkeypatch.setenv(programs.variable(program), "/nowhere/it")
    with pytest.raises(MissingProgram, match=rf"^/nowhere/it is not a program\. {programs.variable(program)} names it"):
        programs.install_missing(print)


def apt_cache(*packages):
    """Prints the policy of packages that a release has, then of those that it has not."""
    packages = (*packages, *(name.replace("-jre-", "-jdk-") for name in packages))
    absent = [name for names in programs.JAVA_PACKAGES.values() for name in names if name not in packages]
    policy = "{}:\n  Installed: (none)\n  Candidate: {}\n  Version table:"
    text = "\n".join(
        [*(policy.format(name, "1.2") for name in packages), *(policy.format(n, "(none)") for n in absent)]
    )
    return f"/bin/cat <<'END'\n{text}\nEND"


@pytest.mark.parametrize(
    ("offered", "named"),
    [
        (["openjdk-17-jre-headless"], "openjdk-17-jre-headless"),
        (["openjdk-21-jre-headless"], "openjdk-21-jre-headless"),
        (["openjdk-25-jre-headless", "openjdk-21-jre-headless"], "openjdk-21-jre-headless"),
        (["openjdk-21-jre-headless", "openjdk-17-jre-headless"], "openjdk-17-jre-headless"),
    ],
)
def test_a_package_is_named_that_the_release_has(nothing_installed, monkeypatch, offered, named):
    fake(nothing_installed, "apt-cache", apt_cache(*offered))
    with pytest.raises(MissingProgram, match=rf"--no-install-recommends {named}\n"):
        programs.find("java")
    monkeypatch.setattr(os, "getuid", lambda: 1000)
    packages = f"mosquitto redis-server {named} {named.replace('-jre-', '-jdk-')} maven"
    with pytest.raises(MissingProgram, match=rf"sudo apt-get install .* {packages}$"):
        programs.install_missing(print)


@pytest.mark.parametrize("policy", [apt_cache(), apt_cache("openjdk-25-jre-headless"), "exit 0", "exit 100"])
def test_where_apt_offers_neither_java_one_line_says_so(nothing_installed, policy):
    fake(nothing_installed, "apt-cache", policy)
    with pytest.raises(
        MissingProgram, match=r"^Java 17 or 21 is not installed, and apt offers neither\. .*HEADRACE_JAVA"
    ):
        programs.find("java")


def test_as_root_the_package_is_chosen_once_apt_knows_what_there_is(nothing_installed, tmp_path, monkeypatch):
    updated, installed = tmp_path / "updated", tmp_path / "installed"
    fake(nothing_installed, "apt-cache", f"[ -e {updated} ] || exit 0\n{apt_cache('openjdk-21-jre-headless')}")
    fake(nothing_installed, "apt-get", f'case "$1" in update) : > {updated} ;; *) echo "$@" > {installed} ;; esac')
    monkeypatch.setattr(programs, "POLICY_RC_D", tmp_path / "policy-rc.d")
    monkeypatch.setattr(os, "getuid", lambda: 0)
    programs.install_missing(lambda text: None)
    java = ["openjdk-21-jre-headless", "openjdk-21-jdk-headless"]
    assert installed.read_text().split()[3:] == ["mosquitto", "redis-server", *java, "maven"]


def test_without_root_the_missing_packages_are_listed_in_one_line(nothing_installed, monkeypatch):
    monkeypatch.setattr(os, "getuid", lambda: 1000)
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
    javac = fake(nothing_installed, "javac", "echo javac 17.0.9")
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
    fake(nothing_installed, "javac", "echo javac 17.0.9")
    with ThreadPoolExecutor(4) as pool:
        made = {each.result() for each in [pool.submit(operators_jar.build, print, java_sources) for _ in range(8)]}
    (jar,) = made
    assert [path.name for path in jar.parents[1].iterdir()] == [jar.parent.name]


def test_without_a_java_compiler_the_line_that_installs_it_is_named(nothing_installed, java_sources):
    fake(nothing_installed, "mvn", PACKAGE)
    with pytest.raises(MissingProgram, match=r"javac 17 or 21 is not installed.*openjdk-17-jdk-headless"):
        operators_jar.build(print, java_sources)


def test_a_failed_build_of_the_operators_names_mavens_first_error_and_leaves_nothing_half(
    nothing_installed, java_sources
):
    fake(nothing_installed, "mvn", "echo '[ERROR] A.java: cannot find symbol'; echo '[ERROR] help'; exit 1")
    fake(nothing_installed, "javac", "echo javac 17.0.9")
    with pytest.raises(BuildFailed, match=r"headrace-flink.jar: \[ERROR\] A.java: cannot find symbol"):
        operators_jar.build(print, java_sources)
    assert list(operators_jar.built(java_sources).parents[1].iterdir()) == []


def test_the_operators_are_compiled_for_the_flink_that_runs_them():
    pom = (operators_jar.SOURCE / "pom.xml").read_text()
    assert f"<flink.version>{metadata.version('apache-flink')}</flink.version>" in pom
