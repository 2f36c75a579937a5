"""Flink's configuration in a container: flink-conf/config.yaml with the lines of FLINK_PROPERTIES instead of its own.

As in Flink's official image, FLINK_PROPERTIES has one `key: value` a line. A key without a value leaves that setting,
and all below it, out. Rewritten at every start, so a container that is started twice has no setting twice.
"""

import os
from pathlib import Path

from connectors.atomic_write import atomic_write_text
from stack.flink_distribution import given_settings, replaced
from stack.layout import FLINK_CONF


def main() -> None:
    committed = (FLINK_CONF / "config.yaml").read_text()
    written = replaced(committed, given_settings())
    atomic_write_text(Path(os.environ["FLINK_CONF_DIR"]) / "config.yaml", written)


if __name__ == "__main__":
    main()
