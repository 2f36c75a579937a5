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
    # For a URL of 64 KiB (200 items to exclude) and 15 kB of headers. An idle connection holds no buffer.
    tune.bufsize 81920

defaults
    mode http
    log global
    timeout http-request 5s
    timeout http-keep-alive 60s
    timeout client 30s
    # Also the pause before the same instance is retried.
    timeout connect 300ms
    timeout queue 2s
    timeout server 10s
    timeout check 1s
    # Retry at once and at another instance: the first one may have ended.
    retries 3
    option redispatch 1
    retry-on conn-failure empty-response junk-response response-timeout
    # Problem details (RFC 9457) as in serving/errors.py; a test compares them.
    http-error status 400 content-type application/problem+json string '{{"type":"/problems/bad_request","title":"Bad request","status":400,"detail":"this is not HTTP, or URL and headers have over 80,896 bytes"}}'
    http-error status 408 content-type application/problem+json string '{{"type":"/problems/request_timeout","title":"Request timeout","status":408,"detail":"the request did not arrive within 5 s"}}'
    http-error status 502 content-type application/problem+json string '{{"type":"/problems/bad_gateway","title":"The instance ended before it answered","status":502,"detail":"the instance ended before it had sent the whole answer"}}'
    http-error status 503 content-type application/problem+json string '{{"type":"/problems/no_instance_available","title":"No instance is available","status":503,"detail":"no instance accepts requests"}}' hdr Retry-After 1
    http-error status 504 content-type application/problem+json string '{{"type":"/problems/gateway_timeout","title":"The instance did not answer in time","status":504,"detail":"the instance did not answer within 10 s"}}'

frontend api
    bind {listen}
    # An instance cannot parse a longer one.
    http-request return status 414 content-type application/problem+json string '{{"type":"/problems/uri_too_long","title":"URI too long","status":414,"detail":"the URL has over 65,535 bytes: exclude fewer items"}}' if {{ url,length gt 65535 }}
    # HAProxy's own metrics. Those of the instances are at their ports.
    http-request use-service prometheus-exporter if {{ path /metrics }}
    default_backend instances

backend instances
    # Round robin: the instance with the fewest connections would be the one that has just died.
    balance roundrobin
    # A list takes milliseconds, or the instance hangs. An interaction may wait for Kafka.
    http-request set-timeout server 2s if METH_GET
    # A request that an instance did not answer is retried only if it is idempotent. A refused connection is always
    # retried: nothing was sent.
    http-request disable-l7-retry unless METH_GET
    option httpchk GET /readyz
    default-server check inter 500ms fastinter 200ms downinter 500ms fall 2 rise 1 maxconn 256 observe layer4 error-limit 2 on-error mark-down
    # All possible instances: one that does not run counts as down, and starting it needs no other configuration.
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
