"""Drills on the stores: each stops its own job and nothing else."""

from collections.abc import Callable

from connectors.endpoints import INFLUXDB_PORT
from drills.context import Context
from drills.drill import Drill, Protection
from drills.influxdb_elsewhere import on_another_port
from drills.overloaded_proxy import overloaded
from drills.small_disk import fill, on_a_small_disk, why_no_mount
from drills.stores_watch import StoreWatch

GOES_ON_WITHIN_S = 10.0
"""The other store's readings never wait longer while one store is unavailable."""
OVERLOADED_S = 20.0
FULL_S = 20.0
REDIS_DOWN_S = 30.0


def down_for(server: str, seconds: float) -> Callable[[Context], None]:
    """An act: the server is stopped for so long."""

    def inject(context: Context) -> None:
        context.stop(server)
        context.hold(seconds)
        context.start(server)

    return inject


def redis_down_while_devices_fall_silent(context: Context) -> None:
    """Redis keeps the newest reading only. That of a silent device is not made good by the next one."""
    context.stop("redis")
    context.hold(REDIS_DOWN_S / 2)
    context.stream.talking = context.stream.talking[::2]
    context.hold(REDIS_DOWN_S / 2)
    context.start("redis")


def overloaded_with(status: int) -> Callable[[Context], None]:
    """An act: InfluxDB answers two of three writes with this status."""

    def inject(context: Context) -> None:
        port = context.environment.layout.port(INFLUXDB_PORT)
        with on_another_port(context) as upstream, overloaded(port, upstream, status) as overload:
            context.flow(OVERLOADED_S)
        context.notes.append(f"{overload.refused} writes were answered with {status}")

    return inject


def fill_the_disk(context: Context) -> None:
    with on_a_small_disk(context, "influxdb") as folder:
        filler = fill(folder)
        context.announce("filled the disk under InfluxDB to the last byte")
        context.hold(FULL_S)
        filler.unlink()
        context.announce(
            "there is room again; restarting InfluxDB, which does not open a shard again that it could not open"
        )
    context.notes.append(
        "After a full disk InfluxDB 2.7 must be restarted: a shard that it could not open it does not open again, "
        "and answers 500 for ever. The drill does so by moving it back to its own disk."
    )


def redis_goes_on(context: Context) -> list[str]:
    return _goes_on("Redis", context.redis)


def influxdb_goes_on(context: Context) -> list[str]:
    return _goes_on("InfluxDB", context.influxdb)


def _goes_on(name: str, watch: StoreWatch) -> list[str]:
    if watch.longest_s <= GOES_ON_WITHIN_S:
        return []
    return [f"{name} stood still for {watch.longest_s:.1f} s, though only another store was unavailable"]


BATCH_IS_KEPT = Protection(
    "connectors/retries.py",
    "retry=retry_if_exception_type(TransientError)",
    "a batch is kept, and tried until the store has it",
)

DRILLS = (
    Drill(
        name="influxdb-down",
        breaks="InfluxDB is stopped for 60 s.",
        protected_by=BATCH_IS_KEPT,
        inject=down_for("influxdb", 60),
        seen_failing="the batch dropped in its place: 6,065 of 7,182 readings lost in InfluxDB. Raised at once "
        "instead, the restarts of the job bring everything back: a second layer",
        check=redis_goes_on,
    ),
    Drill(
        name="redis-down",
        breaks=f"Redis is stopped for {REDIS_DOWN_S:.0f} s, and half of the devices fall silent meanwhile.",
        protected_by=BATCH_IS_KEPT,
        inject=redis_down_while_devices_fall_silent,
        seen_failing="the batch taken for written in its place: the last readings of the 4 silent devices are not in "
        "Redis, and the balance names them",
        check=influxdb_goes_on,
    ),
    *(
        Drill(
            name=f"influxdb-{status}",
            breaks=f"InfluxDB answers two of three writes with {status} and `Retry-After` for {OVERLOADED_S:.0f} s.",
            protected_by=Protection(
                "connectors/influxdb/writer.py",
                'raise StoreUnavailable(f"InfluxDB answered {answer.status_code}',
                "an answer that blames no row is waited out",
            ),
            inject=overloaded_with(status),
            seen_failing=f"treated as a refusal of the rows: {lost} readings lost in InfluxDB",
            check=redis_goes_on,
        )
        for status, lost in ((429, "191 of 3,201"), (503, "171 of 3,298"))
    ),
    Drill(
        name="influxdb-disk-full",
        breaks=f"The disk under InfluxDB is full for {FULL_S:.0f} s.",
        protected_by=Protection(
            "connectors/influxdb/writer.py",
            'raise StoreUnavailable(f"InfluxDB answered {answer.status_code}',
            "an answer that blames no row is waited out",
        ),
        inject=fill_the_disk,
        seen_failing="treated as a refusal of the rows: 1,088 of 4,107 readings lost in InfluxDB",
        check=redis_goes_on,
        impossible=why_no_mount,
    ),
)
