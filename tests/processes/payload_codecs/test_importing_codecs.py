"""What importing the codec of a source costs a worker."""

import subprocess
import sys


def test_the_default_source_imports_no_library_of_another_format():
    code = (
        "import sys\n"
        "from payload_codecs.registry import stateless_codec_of\n"
        "from schemas.source import DEFAULT_SOURCE\n"
        "stateless_codec_of(DEFAULT_SOURCE)\n"
        "print(sorted({'cbor2', 'google.protobuf', 'payload_codecs.senml'} & set(sys.modules)))"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "[]"
