package io.headrace.flink;

import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import org.apache.flink.core.fs.Path;
import org.apache.flink.runtime.checkpoint.OperatorSubtaskState;
import org.apache.flink.runtime.state.storage.FileSystemCheckpointStorage;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.streaming.util.OneInputStreamOperatorTestHarness;
import org.apache.flink.table.data.GenericRowData;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.data.utils.JoinedRowData;
import org.apache.flink.table.runtime.typeutils.InternalSerializers;
import org.apache.flink.table.types.logical.RowType;
import org.apache.flink.table.types.logical.VarBinaryType;
import org.apache.flink.table.types.logical.VarCharType;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * CPU time of a reading and of a checkpoint; printed, and not among the tests:
 *
 * <pre>mvn -q -f flink/java/pom.xml test -Dtest=LimitSeriesCost</pre>
 */
class LimitSeriesCost {

    private static final VarBinaryType BYTES = new VarBinaryType(VarBinaryType.MAX_LENGTH);
    private static final VarCharType TEXT = new VarCharType(VarCharType.MAX_LENGTH);
    private static final RowType ROWS = RowType.of(BYTES, BYTES, TEXT);
    private static final int METRICS = 20;
    private static final int READINGS = 5_000_000;
    private static final int ROUNDS = 10;

    @TempDir
    java.nio.file.Path folder;

    @Test
    void print() throws Exception {
        System.out.printf("to the next operator of the task: %.0f ns a reading%n", nanosOfACopy());
        for (int n : new int[] {100_000, 1_000_000}) {
            byte[][] devices = new byte[n / METRICS][];
            byte[][] identities = new byte[METRICS][];
            for (int device = 0; device < devices.length; device++) {
                devices[device] = bytesOf("press-line-4/device-" + device);
            }
            for (int metric = 0; metric < METRICS; metric++) {
                identities[metric] = bytesOf("bearing temperature " + metric + "\0001790000000000");
            }
            System.out.printf("%,d series: %.0f ns a reading%n", n, nanosOfAReading(devices, identities));
            printCheckpoints(n, devices, identities);
        }
    }

    private static double nanosOfAReading(byte[][] devices, byte[][] identities) {
        SeriesCensus census = new SeriesCensus(1 << 24, 1 << 24, 1 << 24, 1 << 24, 1);
        int admitted = 0;
        long start = 0;
        for (int reading = -READINGS; reading < READINGS; reading++) { // the first half warms up
            start = reading == 0 ? cpuNanos() : start;
            byte[] device = devices[(int) ((reading * 0x9E3779B9L >>> 8) % devices.length)];
            int nowS = (int) (System.currentTimeMillis() / 1000);
            admitted += census.admit(SeriesKey.of(device, identities[(reading & 0xFF) % METRICS]), nowS);
        }
        double nanos = (cpuNanos() - start) / (double) READINGS;
        if (admitted != -2 * READINGS) {
            throw new AssertionError("a reading was refused");
        }
        return nanos;
    }

    /** What Flink adds for one more operator in a task, unless objects may be reused: it copies each row. */
    private static double nanosOfACopy() {
        var serializer = InternalSerializers.create(RowType.of(BYTES, BYTES, BYTES, BYTES, BYTES, TEXT));
        var row = GenericRowData.of(new byte[20], new byte[30], new byte[250], new byte[150], new byte[150]);
        var noDetail = GenericRowData.of((Object) null);
        long size = 0;
        long start = 0;
        for (int reading = -READINGS; reading < READINGS; reading++) {
            start = reading == 0 ? cpuNanos() : start;
            size += serializer.copy(new JoinedRowData(row, noDetail)).getArity();
        }
        double nanos = (cpuNanos() - start) / (double) READINGS;
        if (size != 12L * READINGS) {
            throw new AssertionError("a copy has not all columns");
        }
        return nanos;
    }

    private void printCheckpoints(int n, byte[][] devices, byte[][] identities) throws Exception {
        OperatorSubtaskState kept = null;
        try (var operator = harness()) {
            operator.open();
            for (int number = 0; number < n; number++) {
                operator.processElement(new StreamRecord<>(
                        GenericRowData.of(devices[number / METRICS], identities[number % METRICS])));
                operator.getOutput().clear();
            }
            long[] nanos = new long[2];
            for (int round = -ROUNDS; round < ROUNDS; round++) {
                long start = cpuNanos();
                ((LimitSeriesOperator) operator.getOperator()).stateOfThisSubtask();
                long between = cpuNanos();
                kept = operator.snapshot(round + ROUNDS, round);
                if (round >= 0) {
                    nanos[0] += between - start;
                    nanos[1] += cpuNanos() - between;
                }
            }
            System.out.printf(
                    "  a checkpoint: %.1f MB, %.1f ms, %.1f of them for the keys%n",
                    kept.getStateSize() / 1e6, nanos[1] / 1e6 / ROUNDS, nanos[0] / 1e6 / ROUNDS);
        }
        long start = cpuNanos();
        try (var operator = harness()) {
            operator.initializeState(kept);
            System.out.printf("  a restore: %.0f ms%n", (cpuNanos() - start) / 1e6);
        }
    }

    private OneInputStreamOperatorTestHarness<RowData, RowData> harness() throws Exception {
        SeriesLimits limits = new SeriesLimits(1 << 24, 1 << 24, 1 << 24, 1 << 24).withDetails("", "", "");
        var harness =
                new OneInputStreamOperatorTestHarness<RowData, RowData>(new LimitSeriesOperator(0, 1, limits), 1, 1, 0);
        harness.setCheckpointStorage(new FileSystemCheckpointStorage(new Path(folder.toUri())));
        harness.setup(InternalSerializers.create(ROWS));
        return harness;
    }

    /** Of this thread, which also writes what Flink writes in another one: other programs do not count. */
    private static long cpuNanos() {
        return ManagementFactory.getThreadMXBean().getCurrentThreadCpuTime();
    }

    private static byte[] bytesOf(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }
}
