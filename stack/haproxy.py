"""HAProxy in front of the instances of the REST API: one address, whichever of them live."""

from pathlib import Path

from connectors.atomic_write import atomic_write_text
from connectors.endpoints import LOOPBACK, SERVING_PORT
from stack import programs
from stack.server import Server
from stack.serving import INSTANCES, require_ready

CONFIGURATION = """\
global
    log stdout format raw daemon notice
    maxconn 2000
    # A URL of 64 KiB, with 200 items to exclude, and 15 kB of headers. A connection that waits holds no buffer.
    tune.bufsize 81920

defaults
    mode http
    log global
    timeout http-request 5s
    timeout http-keep-alive 60s
    timeout client 30s
    # Also the pause before the same instance is tried again.
    timeout connect 300ms
    timeout queue 2s
    timeout server 10s
    timeout check 1s
    # At once, and at another instance: the one that was asked may be gone.
    retries 3
    option redispatch 1
    retry-on conn-failure empty-response junk-response response-timeout
    http-error status 400 content-type application/json string '{{"error":"bad_request","message":"no HTTP that is understood, or URL and headers over 80,896 bytes"}}'
    http-error status 408 content-type application/json string '{{"error":"too_slow","message":"the request was not there after 5 s"}}'
    http-error status 502 content-type application/json string '{{"error":"internal","message":"the instance ended while it answered"}}'
    http-error status 503 content-type application/json string '{{"error":"not_ready","message":"no instance takes requests"}}' hdr Retry-After 1
    http-error status 504 content-type application/json string '{{"error":"internal","message":"the instance did not answer within 10 s"}}'

frontend api
    bind {listen}
    # More is nothing that an instance can read.
    http-request return status 414 content-type application/json string '{{"error":"uri_too_long","message":"the URL has over 65,535 bytes: exclude fewer items"}}' if {{ url,length gt 65535 }}
    # The instances' own counters are at their own ports.
    http-request use-service prometheus-exporter if {{ path /metrics }}
    default_backend instances

backend instances
    # In turn: the instance with the fewest connections would be the one that has just died.
    balance roundrobin
    # A list is there at once, or the instance hangs. An interaction may wait for Kafka.
    http-request set-timeout server 2s if METH_GET
    # What was sent to an instance that died is sent again only if that changes nothing. A connection that was refused
    # is always tried elsewhere: nothing was sent.
    http-request disable-l7-retry unless METH_GET
    option httpchk GET /readyz
    default-server check inter 500ms fastinter 200ms downinter 500ms fall 2 rise 1 maxconn 256 observe layer4 error-limit 2 on-error mark-down
    # All that there may be. One that was not asked for is down, and needs no other configuration to come.
{instances}
"""  # noqa: E501


class HAProxy(Server):
    """Ready when a request comes through it."""

    name = "haproxy"
    optional = True
    after = (INSTANCES[0].name,)
    standard_ports = (SERVING_PORT,)
    ready_within_s = 60

    def configure(self) -> None:
        lines = (
            f"    server {each.name} {LOOPBACK}:{self.layout.port(SERVING_PORT + each.number)}" for each in INSTANCES
        )
        listen = f"{LOOPBACK}:{self.layout.port(SERVING_PORT)}"
        atomic_write_text(self._configuration, CONFIGURATION.format(listen=listen, instances="\n".join(lines)))

    def command(self) -> list[str]:
        return [str(programs.find("haproxy")), "-db", "-f", str(self._configuration)]

    def check(self) -> None:
        require_ready(self.layout.port(SERVING_PORT))

    @property
    def _configuration(self) -> Path:
        return self.layout.folder("haproxy") / "haproxy.cfg"
