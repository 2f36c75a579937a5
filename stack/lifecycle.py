"""`up` and `down`: from any state, also a half-dead one, to a whole stack or to none."""

import fcntl
from collections.abc import Collection, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from threading import Event

from rich.console import Console

from stack import jars, operators_jar, orphans, ports
from stack.errors import StackInUse, StackUnusable, StillRunning
from stack.layout import Layout
from stack.readiness import Display, GivenUp, wait_for
from stack.server import Server
from stack.servers import STOP_WAVES, servers
from stack.supervision import UP, Supervision


def up(layout: Layout, console: Console, only: Collection[str] = ()) -> None:
    """Start what does not run, and return once every server does its work.

    `only` names servers: then these and what they come after are started, and the others left as they are.

    Raises
    ------
    StackError
        See headrace.errors; what already runs keeps running, so that its logs can be read.
    """
    with alone(layout):
        all_servers = servers(layout)
        jars.fetch(console.print)
        operators_jar.build(console.print)
        supervision = _supervision_with(layout, all_servers, console)
        names = _with_those_before(only or [server.name for server in all_servers], all_servers)
        wanted = [server for server in all_servers if server.name in names]
        idle = _idle(wanted, supervision)
        ports.require_free(idle)
        with Display(console, [server.name for server in wanted]) as display:
            _start_and_wait(wanted, idle, supervision, display)


def down(layout: Layout, console: Console) -> None:
    """End every process of the stack. Its data stay.

    Raises
    ------
    StillRunning
        A process could not be ended.
    """
    if not layout.home.is_dir():
        return
    with alone(layout):
        supervision = Supervision(layout)
        if supervision.answers():
            for wave in STOP_WAVES:
                console.print(f"Stopping {', '.join(wave)}", highlight=False)
                supervision.stop(wave)
            supervision.shut_down()
        _end_orphans(layout)


def restart(layout: Layout, console: Console, names: Sequence[str]) -> None:
    """Restart servers of a stack that runs, with the configuration that they have; the caller holds `alone`.

    One after the other, each once the one before is ready: of several listeners on one port one is always there.

    Raises
    ------
    NotRunning, NotReady
    """
    supervision = Supervision(layout)
    by_name = {server.name: server for server in servers(layout)}
    with Display(console, list(names)) as display:
        for name in names:
            supervision.stop([name])
            by_name[name].before_start()
            supervision.start_process(name)
            wait_for(by_name[name], supervision, display, Event())


def _supervision_with(layout: Layout, all_servers: list[Server], console: Console) -> Supervision:
    """A supervisord that runs and knows these servers; what a dead one left behind is ended first."""
    for server in all_servers:
        server.configure()
    layout.remember()
    supervision = Supervision(layout)
    supervision.write_configuration(all_servers)
    if supervision.answers():
        supervision.reload()
    else:
        if left := orphans.find(layout.home):
            console.print(f"Ending {len(left)} processes that a killed stack left behind", highlight=False)
        _end_orphans(layout)
        supervision.start()
    return supervision


def _idle(all_servers: list[Server], supervision: Supervision) -> list[Server]:
    processes = supervision.processes()
    return [server for server in all_servers if processes[server.name]["statename"] not in UP]


def _with_those_before(names: Collection[str], all_servers: list[Server]) -> set[str]:
    found = set(names)
    for server in all_servers:
        if server.name in names:
            found |= _with_those_before(server.after, all_servers)
    return found


def _start_and_wait(all_servers: list[Server], idle: list[Server], supervision: Supervision, display: Display) -> None:
    """All at once, except that a server waits for those it comes after; the first failure is raised.

    The idle ones are prepared first, each beside the others: an empty Kafka and an empty PostgreSQL take seconds each.
    """
    ready: dict[str, Future[None]] = {}
    given_up = Event()

    def bring_up(server: Server) -> None:
        try:
            for name in server.after:
                ready[name].result()
            if server in idle:
                server.before_start()
            supervision.start_process(server.name)
            wait_for(server, supervision, display, given_up)
        except BaseException:
            given_up.set()
            raise

    with ThreadPoolExecutor(len(all_servers)) as pool:
        for server in all_servers:
            ready[server.name] = pool.submit(bring_up, server)
        try:
            wait(ready.values())
        except BaseException:  # Ctrl-C: the pool would else wait until every server has had its time
            given_up.set()
            raise
    for future in _earliest_failure_first(ready.values()):
        future.result()


def _earliest_failure_first(futures: Iterable[Future[None]]) -> list[Future[None]]:
    """Those that only gave up because another server failed come last."""
    return sorted(futures, key=lambda future: isinstance(future.exception(), GivenUp))


def _end_orphans(layout: Layout) -> None:
    # Twice: a process that was just being started when it was looked for.
    left = orphans.end(orphans.find(layout.home)) or orphans.end(orphans.find(layout.home))
    if left:
        named = ", ".join(f"{process.name()} ({process.pid})" for process in left)
        raise StillRunning(f"Could not end {named}. End them by hand:  kill -9 {' '.join(str(p.pid) for p in left)}")


@contextmanager
def alone(layout: Layout) -> Iterator[None]:
    """One `up`, `down` or `source apply` of a stack at a time; the lock dies with its process.

    Raises
    ------
    StackInUse, StackUnusable
    """
    try:
        lock = (layout.folder("run") / "lock").open("w")
    except OSError as error:
        raise StackUnusable(
            f"Cannot write to {layout.home}: {error.strerror}. Choose another folder:  --home DIR"
        ) from None
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StackInUse(
                f"Another `headrace up`, `down` or `source apply` works on {layout.home}: wait for it"
            ) from None
        yield
