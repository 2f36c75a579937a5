"""The one place that makes HTTP clients, and decides which of their requests go through a proxy.

Inside of `translated`, and in `request`, `get` and `get_ok`, an httpx.HTTPError becomes HttpUnavailable.

Requests to this machine, and to a name without a dot (a container, a host of the local network), never do: a proxy
cannot reach them, and would be shown the token. All others follow HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY, in
capitals or not, as those of other programs do.
"""

import contextlib
import ipaddress
import socket
from collections.abc import Iterator, Mapping
from typing import Any

import httpx

from schemas.errors import TerminalError, TransientError


class HttpUnavailable(TransientError):
    """Raised where an HTTP server does not answer, or answers with an error. Transient: it may answer later."""


class UnusableProxy(TerminalError):
    """Raised where the environment names a proxy that cannot be used. Terminal: the variable has to be changed."""


def http_client(base_url: str, timeout_s: float, headers: Mapping[str, str] | None = None) -> httpx.Client:
    """A client of one server; opens no connection yet.

    Raises
    ------
    UnusableProxy
        The environment names a proxy that cannot be used; the message says why.
    """
    try:
        return httpx.Client(
            base_url=base_url,
            headers=headers,
            timeout=timeout_s,
            # With a transport of our own httpx reads no proxies from the environment, but still SSL_CERT_FILE.
            transport=httpx.HTTPTransport() if is_local(httpx.URL(base_url).host) else None,
        )
    except (ImportError, ValueError, httpx.InvalidURL) as error:
        raise UnusableProxy(
            f"the proxy that HTTP_PROXY, HTTPS_PROXY or ALL_PROXY names cannot be used ({error}): "
            f"name another, or put {httpx.URL(base_url).host} into NO_PROXY"
        ) from error


def request(method: str, url: str, timeout_s: float, **arguments: Any) -> httpx.Response:
    """One request over a connection of its own; `arguments` are those of httpx.

    Raises
    ------
    HttpUnavailable
    """
    with translated(), http_client(url, timeout_s) as client:
        return client.request(method, url, **arguments)


def get(url: str, timeout_s: float) -> httpx.Response:
    """GET.

    Raises
    ------
    HttpUnavailable
    """
    return request("GET", url, timeout_s)


def get_ok(url: str, timeout_s: float) -> httpx.Response:
    """GET. Raises HttpUnavailable also where the status is an error."""
    with translated():
        return get(url, timeout_s).raise_for_status()


@contextlib.contextmanager
def translated() -> Iterator[None]:
    """Inside of it an httpx.HTTPError becomes HttpUnavailable, with its words or else its name."""
    try:
        yield
    except httpx.HTTPError as error:
        raise HttpUnavailable(str(error) or type(error).__name__) from error


def is_local(host: str) -> bool:
    """Whether a host is this machine, or a name that only the local network knows.

    Examples
    --------
    >>> [is_local(host) for host in ("127.0.0.1", "::1", "localhost", "jobmanager", "influxdb.example.org")]
    [True, True, True, True, False]
    """
    name = host.lower().strip("[]").removesuffix(".")
    address = _address(name)
    if address is None:
        return "." not in name or name.endswith(".localhost")
    return address.is_loopback or address.is_unspecified


def _address(name: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        address = ipaddress.ip_address(name.partition("%")[0])
    except ValueError:
        try:
            return ipaddress.IPv4Address(socket.inet_aton(name))  # also 127.1, as resolvers read it
        except OSError:
            return None
    mapped = getattr(address, "ipv4_mapped", None)
    return mapped or address
