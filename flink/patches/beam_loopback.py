"""Beam's servers for the Python workers, on the loopback address that Beam chose instead of on every interface.

Apache Beam, which PyFlink talks to its workers with, makes a loopback address, and then gives only its port to
`NettyServerBuilder.forPort`, which listens on all of them. It has no setting for that. This makes a jar of the one
class with `forAddress` in place of it: Flink's class path is in the order of names, and the first class wins
(docs/adr/0022).

Internals: the bytes of the class that KNOWN names.

Remove when Beam's `ServerFactory.createDefault` listens on the address that it makes. No ticket of Beam is known.
"""

import hashlib
import struct
import sys
import zipfile
from pathlib import Path

JAR = "beam-loopback.jar"
"""Before flink-python's jar in the order of names."""
CLASS = "org/apache/beam/sdk/fn/server/ServerFactory$InetSocketAddressServerFactory.class"
KNOWN = "c1118447c1a3ca918c1a766c1319a42789455667f0ad312689ffabed3849cfe9"
"""SHA-256 of the class in flink-python 2.3.0."""

# Of the known class: how many constants it has, and where the last one ends.
_CONSTANTS = 246
_CONSTANTS_END = 6242
# invokevirtual InetSocketAddress.getPort, invokestatic NettyServerBuilder.forPort
_GET_PORT_FOR_PORT = bytes.fromhex("b60018 b80019")
_FOR_ADDRESS = bytes.fromhex("000000 b80019")
# Name and type of forPort. Its type is also that of other methods, so both become new texts behind the last constant.
_NAME_AND_TYPE = struct.pack(">BHH", 12, 201, 202)
_NEW_NAME_AND_TYPE = struct.pack(">BHH", 12, _CONSTANTS, _CONSTANTS + 1)
_NEW_NAME = "forAddress"
_NEW_TYPE = "(Ljava/net/SocketAddress;)Lorg/apache/beam/vendor/grpc/v1p60p1/io/grpc/netty/NettyServerBuilder;"


class UnknownClass(RuntimeError):
    """Raised where the installed version of Beam is not the one that is known.

    Terminal: the patch has to be adapted.
    """


def write_jar(flink_python: Path, lib: Path) -> None:
    """Write JAR into Flink's lib folder from flink-python's jar.

    Raises
    ------
    UnknownClass
        That jar has another class than the known one.
    """
    with zipfile.ZipFile(flink_python) as jar:
        original = jar.read(CLASS)
    partial = lib / f".{JAR}.partial"
    with zipfile.ZipFile(partial, "w") as jar:
        jar.writestr(zipfile.ZipInfo(CLASS), on_its_address(original))
    partial.replace(lib / JAR)


def on_its_address(original: bytes) -> bytes:
    """The class file with `forAddress(socket)` instead of `forPort(socket.getPort())`.

    Raises
    ------
    UnknownClass
        It is another class than the known one.
    """
    if hashlib.sha256(original).hexdigest() != KNOWN:
        raise UnknownClass(f"flink-python has another {CLASS} than flink/patches/beam_loopback.py can change")
    head = original[:8] + struct.pack(">H", _CONSTANTS + 2)
    constants = original[10:_CONSTANTS_END].replace(_NAME_AND_TYPE, _NEW_NAME_AND_TYPE)
    code = original[_CONSTANTS_END:].replace(_GET_PORT_FOR_PORT, _FOR_ADDRESS)
    return head + constants + _text(_NEW_NAME) + _text(_NEW_TYPE) + code


def _text(text: str) -> bytes:
    return struct.pack(">BH", 1, len(text)) + text.encode()


if __name__ == "__main__":  # the image's build:  python -m flink.patches.beam_loopback FLINK_PYTHON_JAR LIB
    write_jar(Path(sys.argv[1]), Path(sys.argv[2]))
