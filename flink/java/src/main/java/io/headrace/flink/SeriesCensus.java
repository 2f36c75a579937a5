package io.headrace.flink;

import static io.headrace.flink.JobCount.RESTORED;
import static io.headrace.flink.JobCount.SEEN;

import java.nio.ByteBuffer;
import java.util.List;

/**
 * The series that have sent readings of late, and whether there may be one more. It knows no Flink.
 *
 * <p>Times are seconds since the epoch, as unsigned ints, in steps of four: their two low bits hold how a series is known
 * ({@link JobCount}).
 */
final class SeriesCensus {

    /** What {@link #admit} returns: that a series may send, or the limit that keeps it out. */
    static final int ADMITTED = -1;

    static final int MAX_SERIES = 0;
    static final int MAX_DEVICES = 1;
    static final int MAX_METRICS = 2;

    private static final int FLAGS = SEEN | RESTORED;
    private static final int ONE_METRIC = FLAGS + 1;

    private final int maxSeries;
    private final int maxDevices;
    private final int maxMetrics;
    private final int lifetimeS;
    private final int parallelism;

    private LongIntMap series; // to when it was seen last, and flags
    private LongIntMap devices; // to the number of its metrics, and flags
    private JobCount seriesCount;
    private JobCount deviceCount;
    private int metricsOfFullestDevice;
    private int oldestS;

    SeriesCensus(int maxSeries, int maxDevices, int maxMetrics, int lifetimeS, int parallelism) {
        this.maxSeries = maxSeries;
        this.maxDevices = maxDevices;
        this.maxMetrics = maxMetrics;
        this.lifetimeS = lifetimeS;
        this.parallelism = parallelism;
        replaceBy(new LongIntMap(0));
    }

    /** Series of the whole job, by {@link JobCount}. */
    long series() {
        return seriesCount.total();
    }

    /** Devices of the whole job. */
    long devices() {
        return deviceCount.total();
    }

    /** The most metrics that one device has. */
    int metricsOfFullestDevice() {
        return metricsOfFullestDevice;
    }

    /** A reading of a series arrives. One that is known may always send. */
    int admit(long key, int nowS) {
        int slot = series.slotOf(key);
        if (slot == LongIntMap.ABSENT) {
            return admitNew(key, nowS);
        }
        int value = series.valueAt(slot);
        if (timeOf(value) != timeOf(nowS)) {
            oldestS = earlier(oldestS, timeOf(nowS));
            series.setValueAt(slot, timeOf(nowS) | value & FLAGS);
        }
        if ((value & SEEN) == 0) {
            series.setValueAt(slot, series.valueAt(slot) | SEEN);
            seriesCount.see();
            seeDevice(devices.slotOf(SeriesKey.deviceOf(key)));
        }
        return ADMITTED;
    }

    private int admitNew(long key, int nowS) {
        long device = SeriesKey.deviceOf(key);
        int slot = devices.slotOf(device);
        boolean isNewDevice = slot == LongIntMap.ABSENT;
        if (isNewDevice && devices() >= maxDevices) {
            return MAX_DEVICES;
        }
        if (!isNewDevice && devices.valueAt(slot) / ONE_METRIC >= maxMetrics) {
            return MAX_METRICS;
        }
        if (series() >= maxSeries) {
            return MAX_SERIES;
        }
        series.add(key, timeOf(nowS) | SEEN);
        oldestS = earlier(oldestS, timeOf(nowS));
        seriesCount.add(SEEN);
        if (isNewDevice) {
            deviceCount.add(SEEN);
        } else {
            seeDevice(slot);
        }
        addMetric(device, SEEN);
        return ADMITTED;
    }

    /** Forgets the series that have been silent for longer than their lifetime. */
    void forget(int nowS) {
        if (isOver(oldestS, nowS)) {
            int n = 0;
            for (int slot = 0; slot < series.capacity(); slot++) {
                n += isAlive(slot, nowS) ? 1 : 0;
            }
            LongIntMap alive = new LongIntMap(n);
            for (int slot = 0; slot < series.capacity(); slot++) {
                if (isAlive(slot, nowS)) {
                    alive.add(series.keyAt(slot), series.valueAt(slot));
                }
            }
            replaceBy(alive);
        }
    }

    /**
     * What this subtask remembers: the series that it has seen, and its part of those that it has not seen since the
     * restart, which other subtasks may not have seen either. All subtasks together remember every series.
     */
    byte[] snapshot(int subtask) {
        int n = 0;
        for (int slot = 0; slot < series.capacity(); slot++) {
            n += isRemembered(slot, subtask) ? 1 : 0;
        }
        ByteBuffer state = SeriesState.allocate(n);
        for (int slot = 0; slot < series.capacity(); slot++) {
            if (isRemembered(slot, subtask)) {
                SeriesState.put(state, series.keyAt(slot), timeOf(series.valueAt(slot)));
            }
        }
        return state.array();
    }

    /** Knows what all subtasks remembered, and nothing else. */
    void restore(List<byte[]> snapshots, int nowS) {
        // A subtask that is alone has seen all that there is.
        int flags = parallelism == 1 ? FLAGS : RESTORED;
        LongIntMap restored = new LongIntMap(snapshots.stream().mapToInt(SeriesState::size).sum());
        for (byte[] snapshot : snapshots) {
            SeriesState.forEach(snapshot, (key, lastSeenS) -> {
                // A time that is ahead is of a clock that was wrong.
                int value = earlier(timeOf(lastSeenS), timeOf(nowS)) | flags;
                int slot = restored.slotOf(key);
                if (slot == LongIntMap.ABSENT) {
                    restored.add(key, value);
                } else if (Integer.compareUnsigned(restored.valueAt(slot), value) < 0) {
                    restored.setValueAt(slot, value);
                }
            });
        }
        replaceBy(restored);
        forget(nowS);
    }

    private void replaceBy(LongIntMap remaining) {
        series = remaining;
        devices = new LongIntMap(0);
        seriesCount = new JobCount(parallelism);
        deviceCount = new JobCount(parallelism);
        metricsOfFullestDevice = 0;
        oldestS = timeOf(-1);
        for (int slot = 0; slot < series.capacity(); slot++) {
            if (!series.isFree(slot)) {
                int value = series.valueAt(slot);
                oldestS = earlier(oldestS, timeOf(value));
                seriesCount.add(value & FLAGS);
                addMetric(SeriesKey.deviceOf(series.keyAt(slot)), value & FLAGS);
            }
        }
        for (int slot = 0; slot < devices.capacity(); slot++) {
            if (!devices.isFree(slot)) {
                deviceCount.add(devices.valueAt(slot) & FLAGS);
            }
        }
    }

    private void addMetric(long device, int flags) {
        int slot = devices.slotOf(device);
        int value = ONE_METRIC | flags;
        if (slot == LongIntMap.ABSENT) {
            devices.add(device, value);
        } else {
            value = devices.valueAt(slot) + ONE_METRIC | flags;
            devices.setValueAt(slot, value);
        }
        metricsOfFullestDevice = Math.max(metricsOfFullestDevice, value / ONE_METRIC);
    }

    private void seeDevice(int slot) {
        int value = devices.valueAt(slot);
        if ((value & SEEN) == 0) {
            devices.setValueAt(slot, value | SEEN);
            deviceCount.see();
        }
    }

    private boolean isAlive(int slot, int nowS) {
        return !series.isFree(slot) && !isOver(series.valueAt(slot), nowS);
    }

    private boolean isRemembered(int slot, int subtask) {
        if (series.isFree(slot)) {
            return false;
        }
        boolean isSeen = (series.valueAt(slot) & SEEN) != 0;
        return isSeen || Long.remainderUnsigned(series.keyAt(slot), parallelism) == subtask;
    }

    /** Whether a series is to be forgotten that was seen last in the step of four seconds of a value. */
    private boolean isOver(int value, int nowS) {
        int silentS = nowS - (value | FLAGS);
        return Integer.compareUnsigned(nowS, value | FLAGS) > 0 && Integer.compareUnsigned(silentS, lifetimeS) > 0;
    }

    private static int timeOf(int value) {
        return value & ~FLAGS;
    }

    private static int earlier(int one, int other) {
        return Integer.compareUnsigned(one, other) < 0 ? one : other;
    }
}
