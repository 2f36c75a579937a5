"""Flink as a keyed operator sees it, in memory: state of one key that outlives the operator, counters."""


class ValueInMemory:
    def __init__(self, value=None):
        self._value = value

    def value(self):
        return self._value

    def update(self, value):
        self._value = value

    def clear(self):
        self._value = None


class MapInMemory:
    def __init__(self):
        self.entries = {}

    def put(self, key, value):
        self.entries[key] = value

    def get(self, key):
        return self.entries.get(key)

    def items(self):
        return reversed(self.entries.items())

    def clear(self):
        self.entries = {}


class ListInMemory:
    def __init__(self, entries=()):
        self._entries = list(entries)

    def get(self):
        return iter(self._entries)

    def add(self, entry):
        self._entries.append(entry)

    def clear(self):
        self._entries = []


class Counter:
    def __init__(self):
        self.count = 0

    def inc(self, n=1):
        self.count += n


class FlinkInMemory:
    """Runtime context and context of an element in one. `snapshot` is a value or a map, as the operator has it."""

    def __init__(self, key=None, snapshot=None, journal=None):
        self.key, self.snapshot, self.journal, self.counters = key, snapshot, journal, {}

    def get_state(self, _):
        return self.snapshot

    get_map_state = get_state

    def get_list_state(self, _):
        return self.journal

    def get_metrics_group(self):
        return self

    get_metric_group = get_metrics_group

    def get_index_of_this_subtask(self):
        return 0

    def counter(self, name):
        return self.counters.setdefault(name, Counter())

    def get_current_key(self):
        return self.key

    def opened(self, operator):
        """The operator, on the state as it is; its counters begin anew."""
        self.counters = {}
        operator.open(self)
        return operator
