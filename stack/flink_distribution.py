"""Flink as the pip package ships it: its scripts, and a configuration and lib folder of the stack's own."""

import importlib.util
import os
import shutil
import sys
from pathlib import Path

from connectors.atomic_write import atomic_write_text
from connectors.endpoints import FLINK_REST_PORT, FLINK_RPC_PORT, LOOPBACK, ZOOKEEPER_PORT
from flink.patches import beam_loopback
from stack import jars, operators_jar, programs
from stack.errors import BuildFailed, MissingProgram
from stack.fork_server import worker_python
from stack.layout import FLINK_CONF, Layout

METRICS_SWITCH = "HEADRACE_FLINK_METRICS"
PROPERTIES = "FLINK_PROPERTIES"
"""Settings of the operator's, in the variable of Flink's official image."""


def flink_home() -> Path:
    """Folder of the pip package, found without importing it (which takes seconds)."""
    package = importlib.util.find_spec("pyflink")
    if package is None or package.origin is None:
        raise MissingProgram("apache-flink is not installed in this Python. Install it:  uv sync")
    return Path(package.origin).parent


def script(name: str) -> list[str]:
    """Command line of one of Flink's scripts. The pip package drops their executable bits."""
    return ["bash", str(flink_home() / "bin" / name)]


def environment(layout: Layout, process: str | None = None) -> dict[str, str]:
    """What Flink's scripts and PyFlink read. For a client of the stack's cluster, `process` is None.

    FLINK_HOME must be among it: without it PyFlink replaces FLINK_LIB_DIR by its own lib, without our jars.
    """
    home = flink_home()
    variables = {
        "FLINK_HOME": str(home),
        "FLINK_CONF_DIR": str(layout.home / "flink" / "conf"),
        "FLINK_LIB_DIR": str(layout.home / "flink" / "lib"),
        "FLINK_PLUGINS_DIR": str(home / "plugins"),
        "FLINK_OPT_DIR": str(home / "opt"),
        "FLINK_LOG_DIR": str(layout.home / "flink" / "log"),
        # The scripts lock this folder and count the pid files in it: one each keeps the processes apart.
        "FLINK_PID_DIR": str(layout.home / "flink" / "pid" / (process or "client")),
        "FLINK_IDENT_STRING": "headrace",
    }
    java = programs.find("java").resolve()
    return variables | {"JAVA_HOME": str(java.parents[1])}


def write_configuration(layout: Layout) -> None:
    """<home>/flink/conf: `flink-conf/` with FLINK_PROPERTIES and what depends on the home and the ports.

    <home>/flink/lib: all jars.
    """
    conf = layout.folder("flink", "conf")
    lines = (FLINK_CONF / "config.yaml").read_text()
    atomic_write_text(conf / "config.yaml", replaced(lines, given_settings() | _of_this_stack(layout)))
    for name in ("log4j-console.properties", "log4j-cli.properties"):
        atomic_write_text(conf / name, (FLINK_CONF / name).read_text())
    layout.folder("flink", "log")
    _link_jars(layout.folder("flink", "lib"))


def given_settings() -> dict[str, str | None]:
    """Those of FLINK_PROPERTIES."""
    return settings_in(os.environ.get(PROPERTIES, ""))


def settings_in(properties: str) -> dict[str, str | None]:
    r"""The settings of a text with one `key: value` a line; without a value a setting is left out.

    >>> settings_in("rest.port: 8081\n\n# why\ntaskmanager.host:\n")
    {'rest.port': '8081', 'taskmanager.host': None}
    """
    lines = [line.strip() for line in properties.splitlines()]
    pairs = [line.partition(":") for line in lines if line and not line.startswith("#")]
    return {key.strip(): value.strip() or None for key, _, value in pairs}


def replaced(configuration: str, settings: dict[str, str | None]) -> str:
    r"""The configuration with those settings; None leaves a setting (or all below `name.`) out.

    >>> replaced("a.b: 1\n# why\nc: 2\n", {"c": "3", "a": None, "d": "4"})
    '# why\nc: 3\nd: 4\n'
    """
    left = dict(settings)
    lines = []
    for line in configuration.splitlines():
        key = line.partition(":")[0]
        owner = next((name for name in settings if key == name or key.startswith(f"{name}.")), None)
        if line.startswith("#") or owner is None:
            lines.append(line)
        elif settings[owner] is not None:
            lines.append(f"{owner}: {settings[owner]}")
            left.pop(owner, None)
    lines += [f"{key}: {value}" for key, value in left.items() if value is not None]
    return "\n".join(lines) + "\n"


def clear_temporary_files(layout: Layout) -> None:
    """What a killed TaskManager left: RocksDB's working files, unpacked libraries, Python workers' folders."""
    shutil.rmtree(layout.folder("flink", "tmp"), ignore_errors=True)
    layout.folder("flink", "tmp")


def _of_this_stack(layout: Layout) -> dict[str, str | None]:
    state = layout.folder("flink", "state")
    settings: dict[str, str | None] = {
        "jobmanager.rpc.port": str(layout.port(FLINK_RPC_PORT)),
        # With high availability the JobManager listens on this one instead.
        "high-availability.jobmanager.port": str(layout.port(FLINK_RPC_PORT)),
        "rest.port": str(layout.port(FLINK_REST_PORT)),
        "high-availability.zookeeper.quorum": f"{LOOPBACK}:{layout.port(ZOOKEEPER_PORT)}",
        "high-availability.storageDir": f"file://{state}/ha",
        "execution.checkpointing.dir": f"file://{state}/checkpoints",
        "execution.checkpointing.savepoint-dir": f"file://{state}/savepoints",
        "io.tmp.dirs": str(layout.folder("flink", "tmp")),
        "python.executable": str(worker_python(layout)),
        "python.client.executable": sys.executable,
    }
    if not metrics_wanted():
        settings["metrics.reporters"] = None
        settings["metrics.reporter"] = None
    return settings


def metrics_wanted() -> bool:
    """HEADRACE_FLINK_METRICS=1: Flink's reporter listens on all interfaces, so it is asked for, not given."""
    return os.environ.get(METRICS_SWITCH, "") not in ("", "0", "false")


def _link_jars(lib: Path) -> None:
    home = flink_home()
    # flink-python belongs to them: in a session cluster every job would else bring its own copy into a class loader
    # of its own, and each restart of a job would leave one behind.
    wanted = [*(home / "lib").glob("*.jar"), *(home / "opt").glob("flink-python-*.jar")]
    wanted += (jars.folder() / "flink").glob("*.jar")
    wanted += (jar for jar in [operators_jar.built()] if jar.is_file())
    links = {path.name: path for path in wanted}
    for link in lib.iterdir():
        if link.name not in links or link.resolve() != links[link.name].resolve():
            link.unlink()
    for name, path in links.items():
        if not (lib / name).exists():
            (lib / name).symlink_to(path)
    try:
        beam_loopback.write_jar(links[next(name for name in links if name.startswith("flink-python-"))], lib)
    except beam_loopback.UnknownClass as error:
        raise BuildFailed(str(error)) from error
