"""Exit statuses of the bridge: what a supervisor has to know."""

STOPPED = 0
FAILED = 1
"""A restart helps."""
NO_RESTART_HELPS = 78
"""EX_CONFIG of sysexits.h: somebody has to change something first."""
