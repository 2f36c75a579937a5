"""Drills: one thing is broken while numbered readings flow, and then every reading is looked for.

Read `drill.py` (what a drill is), then a family (`processes.py`, `brokers.py`, `stores.py`, `clocks.py`,
`upgrades.py`), then `run.py`: stream, break, wait, verify.
"""
