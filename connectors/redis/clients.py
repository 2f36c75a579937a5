"""The one place that makes Redis clients, and where their errors end: a RedisError becomes a StoreError.

That happens inside of `translated`, in `answers_of` and in `metric_states`.
"""

import contextlib
import re
from collections.abc import Iterator, Sequence

import redis
import redis.asyncio

from connectors.endpoints import Endpoints
from connectors.stores import StoreError, StoreMisconfigured, StoreUnavailable
from schemas.redis_keys import DEVICE

# Replies that are about a row: the closed list. What is not in it is the state of the server, and no fault of a row.
# Redis before 7 wraps the error of a command in that of its script.
_OF_THE_ROW = re.compile(
    r"(Error running script \(call to \w+\): @user_script:\s*\d+: (@user_script:\s*\d+: )?-?)?WRONGTYPE "
)
_OF_PERMISSIONS = re.compile(
    r"NOPERM |The user executing the script can't|ACL failure in script|Error running script .*?: -?NOPERM "
)
_OF_A_CLUSTER = re.compile(r"(MOVED|CROSSSLOT) ")
MAX_REPLY_LENGTH = 500
"""Characters of a reply that a message quotes."""


def client_of(endpoints: Endpoints, timeout_s: float = 20.0, connect_timeout_s: float = 5.0) -> "redis.Redis":
    """Opens no connection yet."""
    return redis.Redis(
        host=endpoints.redis_host, port=endpoints.redis_port, password=_password(endpoints),
        socket_timeout=timeout_s, socket_connect_timeout=connect_timeout_s, health_check_interval=30,
    )  # fmt: skip


def async_client_of(endpoints: Endpoints, timeout_ms: int) -> "redis.asyncio.Redis":
    """Opens no connection yet; each step of a call takes `timeout_ms` at most."""
    timeout_s = timeout_ms / 1000
    return redis.asyncio.Redis(
        host=endpoints.redis_host, port=endpoints.redis_port, password=_password(endpoints),
        socket_timeout=timeout_s, socket_connect_timeout=timeout_s,
    )  # fmt: skip


def _password(endpoints: Endpoints) -> str | None:
    return endpoints.redis_password.get_secret_value() if endpoints.redis_password else None


@contextlib.contextmanager
def translated() -> Iterator[None]:
    """Inside of it an error of Redis or of the way to it becomes StoreUnavailable or StoreMisconfigured."""
    try:
        yield
    except redis.exceptions.DataError:
        raise  # of redis-py and not of Redis: a value that cannot be sent is a fault of ours
    except redis.exceptions.RedisError as error:
        raise _store_error(error) from error
    except (OSError, TimeoutError) as error:
        raise StoreUnavailable(f"Redis does not answer ({str(error) or type(error).__name__})") from error


def answers_of(pipeline: "redis.client.Pipeline") -> list[object]:
    """Sends the commands of a pipeline. The error that Redis gives for a row is the answer of its command.

    Raises StoreUnavailable and StoreMisconfigured for every other error: the rows can be sent again.
    """
    with translated():
        answers: list[object] = pipeline.execute(raise_on_error=False)
    for answer in answers:
        if isinstance(answer, Exception) and not _is_of_the_row(answer):
            raise _store_error(answer) from answer
    return answers


def metric_states(client: "redis.Redis", series: Sequence[tuple[str, str]]) -> list[str | None]:
    """The state of each (device, metric) as JSON, None without one. What is no UTF-8 is a state that differs.

    Raises
    ------
    StoreUnavailable
    StoreMisconfigured
    """
    pipeline = client.pipeline(transaction=False)
    for device, metric in series:
        pipeline.hget(DEVICE.key(device), metric)
    with translated():
        found: list[bytes | None] = pipeline.execute()
    return [None if state is None else state.decode(errors="replace") for state in found]


def _is_of_the_row(error: Exception) -> bool:
    return _OF_THE_ROW.match(str(error)) is not None


def _store_error(error: Exception) -> StoreError:
    """What an error says about the server. One that is not known is a reason to wait: waiting loses nothing."""
    reply = str(error)[:MAX_REPLY_LENGTH]
    if isinstance(error, redis.exceptions.AuthenticationError | redis.exceptions.AuthenticationWrongNumberOfArgsError):
        return StoreMisconfigured(f"Redis refuses our password ({reply}): check HEADRACE_REDIS_PASSWORD")
    if isinstance(error, redis.exceptions.NoPermissionError) or _OF_PERMISSIONS.match(reply):
        return StoreMisconfigured(
            f"Redis denies permission ({reply}). Give the user that HEADRACE_REDIS_PASSWORD belongs to all keys, "
            "scripts and writes: ACL SETUSER"
        )
    if reply.startswith("DENIED "):
        return StoreMisconfigured(
            f"Redis accepts no remote clients without a password: set one there, and HEADRACE_REDIS_PASSWORD ({reply})"
        )
    if _OF_A_CLUSTER.match(reply):
        return StoreMisconfigured(
            f"Redis runs as a cluster ({reply}), which is not supported: let HEADRACE_REDIS_HOST name a single server"
        )
    if isinstance(error, redis.exceptions.ConnectionError | redis.exceptions.TimeoutError):
        return StoreUnavailable(f"Redis does not answer ({reply})")
    return StoreUnavailable(f"Redis answers with an error ({reply})")
