package io.headrace.flink;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.apache.flink.api.common.state.ListStateDescriptor;
import org.apache.flink.api.common.typeutils.base.array.BytePrimitiveArraySerializer;
import org.apache.flink.metrics.Counter;
import org.apache.flink.metrics.Gauge;
import org.apache.flink.runtime.checkpoint.OperatorSubtaskState;
import org.apache.flink.runtime.jobgraph.OperatorID;
import org.apache.flink.runtime.metrics.groups.InternalOperatorMetricGroup;
import org.apache.flink.runtime.metrics.util.InterceptingOperatorMetricGroup;
import org.apache.flink.runtime.metrics.util.InterceptingTaskMetricGroup;
import org.apache.flink.runtime.operators.testutils.MockEnvironmentBuilder;
import org.apache.flink.runtime.state.StateSnapshotContext;
import org.apache.flink.streaming.api.operators.AbstractStreamOperator;
import org.apache.flink.streaming.api.operators.OneInputStreamOperator;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.streaming.util.AbstractStreamOperatorTestHarness;
import org.apache.flink.streaming.util.OneInputStreamOperatorTestHarness;
import org.apache.flink.table.data.GenericRowData;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.runtime.typeutils.InternalSerializers;
import org.apache.flink.table.types.logical.RowType;
import org.apache.flink.table.types.logical.VarBinaryType;
import org.apache.flink.table.types.logical.VarCharType;
import org.junit.jupiter.api.Test;

/** Rows are (device, identity, record); what comes out is `record` or `record: over_limit`. */
class LimitSeriesOperatorTest {

    private static final VarBinaryType BYTES = new VarBinaryType(VarBinaryType.MAX_LENGTH);
    private static final RowType ROWS = RowType.of(BYTES, BYTES, BYTES, new VarCharType(VarCharType.MAX_LENGTH));
    private static final int MAX_PARALLELISM = 8;
    private static final int LIFETIME_S = 100;

    @Test
    void rowsPassInTheirOrderAndThoseBeyondALimitSaySo() throws Exception {
        try (var operator = started(2, 2, 2)) {
            send(operator, "a", "t\0001", "1");
            send(operator, "a", "h\0001", "2");
            send(operator, "a", "x\0001", "3");
            send(operator, "b", "t\0001", "4");
            send(operator, "a", "t\0002", "5");
            assertEquals(
                    List.of("1", "2", "3: many metrics", "4: many series", "5"), emitted(operator));
        }
    }

    @Test
    void aRowWithoutIdentityOrDeviceIsNoReading() throws Exception {
        try (var operator = started(1, 1, 1)) {
            send(operator, "a", null, "1");
            send(operator, null, null, "2");
            send(operator, null, "t\0001", "3");
            send(operator, "b", "t\0001", "4");
            send(operator, "c", "t\0001", "5");
            assertEquals(List.of("1", "2", "3", "4", "5: many devices"), emitted(operator));
        }
    }

    @Test
    void aSnapshotKeepsTheSeriesAndARestoredJobGoesOnWithThem() throws Exception {
        OperatorSubtaskState kept;
        try (var operator = started(2, 9, 9)) {
            send(operator, "a", "t\0001", "1");
            send(operator, "b", "t\0001", "2");
            kept = operator.snapshot(1, 1);
        }
        for (int round = 0; round < 2; round++) {
            try (var operator = subtask(limits(2, 9, 9), 1, 0)) {
                operator.initializeState(kept);
                operator.open();
                send(operator, "c", "t\0001", "1");
                send(operator, "b", "t\0002", "2");
                assertEquals(List.of("1: many series", "2"), emitted(operator));
                kept = operator.snapshot(2, 2);
            }
        }
    }

    @Test
    void aRaisedLimitLetsInWhatWasKeptOut() throws Exception {
        OperatorSubtaskState kept;
        try (var operator = started(1, 9, 9)) {
            send(operator, "a", "t\0001", "1");
            send(operator, "b", "t\0001", "2");
            kept = operator.snapshot(1, 1);
        }
        try (var operator = subtask(limits(2, 9, 9), 1, 0)) {
            operator.initializeState(kept);
            operator.open();
            send(operator, "b", "t\0001", "2");
            assertEquals(List.of("2"), emitted(operator));
        }
    }

    @Test
    void anotherParallelismKnowsTheSeriesInEachSubtask() throws Exception {
        OperatorSubtaskState kept = AbstractStreamOperatorTestHarness.repackageState(
                stateOf(2, 0, "a"), stateOf(2, 1, "b"));
        for (int parallelism = 1; parallelism < 4; parallelism++) {
            for (int subtask = 0; subtask < parallelism; subtask++) {
                try (var operator = subtask(limits(2, 9, 9), parallelism, subtask)) {
                    operator.initializeState(AbstractStreamOperatorTestHarness.repartitionOperatorState(
                            kept, MAX_PARALLELISM, 2, parallelism, subtask));
                    operator.open();
                    send(operator, "a", "t\0001", "1");
                    send(operator, "b", "t\0001", "2");
                    send(operator, "c", "t\0001", "3");
                    assertEquals(List.of("1", "2", "3: many series"), emitted(operator));
                }
            }
        }
    }

    @Test
    void theTimerForgetsSilentSeries() throws Exception {
        try (var operator = started(1, 9, 9)) {
            send(operator, "a", "t\0001", "1");
            operator.setProcessingTime(LIFETIME_S * 1000L);
            send(operator, "b", "t\0001", "2");
            operator.setProcessingTime((LIFETIME_S + 20) * 1000L);
            send(operator, "b", "t\0001", "3");
            assertEquals(List.of("1", "2: many series", "3"), emitted(operator));
        }
    }

    @Test
    void stateOfAnotherVersionAndStateThatWasCutIsLeftOutAndCounted() throws Exception {
        byte[] readable = censusOf("a").snapshot(0);
        byte[] newer = censusOf("b").snapshot(0);
        ByteBuffer.wrap(newer).putInt(SeriesState.VERSION + 1);
        byte[] cut = Arrays.copyOf(censusOf("c").snapshot(0), 15);
        OperatorSubtaskState kept;
        try (var writer = harness(new Remember(List.of(newer, readable, cut, new byte[0])), 1, 0)) {
            writer.open();
            kept = writer.snapshot(1, 1);
        }
        var metrics = new InterceptingOperatorMetricGroup();
        try (var operator = measured(limits(2, 9, 9), metrics)) {
            operator.initializeState(kept);
            operator.open();
            assertEquals(3, ((Counter) metrics.get("unreadable_states")).getCount());
            assertEquals(1L, ((Gauge<?>) metrics.get("series")).getValue());
            send(operator, "b", "t\0001", "1");
            send(operator, "a", "t\0001", "2");
            send(operator, "c", "t\0001", "3");
            assertEquals(List.of("1", "2", "3: many series"), emitted(operator));
        }
    }

    @Test
    void countsAndLimitsAreMetrics() throws Exception {
        var metrics = new InterceptingOperatorMetricGroup();
        try (var operator = measured(limits(4, 3, 2), metrics)) {
            operator.open();
            for (String identity : List.of("t\0001", "h\0001", "x\0001", "y\0001", "t\0002")) {
                send(operator, "a", identity, "");
            }
            send(operator, "b", "t\0001", "");
            assertEquals(3L, ((Gauge<?>) metrics.get("series")).getValue());
            assertEquals(4, ((Gauge<?>) metrics.get("series_limit")).getValue());
            assertEquals(2L, ((Gauge<?>) metrics.get("devices")).getValue());
            assertEquals(3, ((Gauge<?>) metrics.get("devices_limit")).getValue());
            assertEquals(2, ((Gauge<?>) metrics.get("metrics_per_device")).getValue());
            assertEquals(2, ((Gauge<?>) metrics.get("metrics_per_device_limit")).getValue());
            assertEquals(2, ((Counter) metrics.get("too_many_series")).getCount());
            assertEquals(0, ((Counter) metrics.get("unreadable_states")).getCount());
        }
    }

    @Test
    void aSeriesTakesTwelveBytesOfState() throws Exception {
        long[] sizes = new long[2];
        for (int more = 0; more < 2; more++) {
            try (var operator = started(1_000_000, 1_000_000, 1_000_000)) {
                for (int number = 0; number < 100_000 * (1 + more); number++) {
                    send(operator, "device-" + number / 20, "metric " + number % 20 + "\0001", "");
                }
                sizes[more] = operator.snapshot(1, 1).getStateSize();
            }
        }
        assertEquals(12.0, (sizes[1] - sizes[0]) / 100_000.0, 0.01);
    }

    /** Writes what it is given as the state of the operator. */
    private static class Remember extends AbstractStreamOperator<RowData>
            implements OneInputStreamOperator<RowData, RowData> {

        private static final long serialVersionUID = 1L;

        private final transient List<byte[]> kept;

        Remember(List<byte[]> kept) {
            this.kept = kept;
        }

        @Override
        public void snapshotState(StateSnapshotContext context) throws Exception {
            super.snapshotState(context);
            getOperatorStateBackend()
                    .getUnionListState(new ListStateDescriptor<>("series", BytePrimitiveArraySerializer.INSTANCE))
                    .update(kept);
        }

        @Override
        public void processElement(StreamRecord<RowData> element) {
            output.collect(element);
        }
    }

    private static SeriesCensus censusOf(String device) {
        SeriesCensus census = new SeriesCensus(9, 9, 9, LIFETIME_S, 1);
        census.admit(SeriesKey.of(bytesOf(device), bytesOf("t")), 0);
        return census;
    }

    private static OneInputStreamOperatorTestHarness<RowData, RowData> measured(
            SeriesLimits limits, InterceptingOperatorMetricGroup metrics) throws Exception {
        var ofTask = new InterceptingTaskMetricGroup() {
            @Override
            public InternalOperatorMetricGroup getOrAddOperator(
                    OperatorID id, String name, Map<String, String> variables) {
                return metrics;
            }
        };
        var environment = new MockEnvironmentBuilder().setMetricGroup(ofTask).build();
        var harness = new OneInputStreamOperatorTestHarness<RowData, RowData>(
                new LimitSeriesOperator(0, 1, limits), environment);
        harness.setup(InternalSerializers.create(ROWS));
        return harness;
    }

    private static OperatorSubtaskState stateOf(int parallelism, int subtask, String device) throws Exception {
        try (var operator = subtask(limits(9, 9, 9), parallelism, subtask)) {
            operator.open();
            send(operator, device, "t\0001", "1");
            return operator.snapshot(1, 1);
        }
    }

    private static SeriesLimits limits(int maxSeries, int maxDevices, int maxMetrics) {
        return new SeriesLimits(maxSeries, maxDevices, maxMetrics, LIFETIME_S)
                .withDetails("many series", "many devices", "many metrics");
    }

    private static OneInputStreamOperatorTestHarness<RowData, RowData> started(
            int maxSeries, int maxDevices, int maxMetrics) throws Exception {
        var harness = subtask(limits(maxSeries, maxDevices, maxMetrics), 1, 0);
        harness.open();
        return harness;
    }

    private static OneInputStreamOperatorTestHarness<RowData, RowData> subtask(
            SeriesLimits limits, int parallelism, int subtask) throws Exception {
        return harness(new LimitSeriesOperator(0, 1, limits), parallelism, subtask);
    }

    private static OneInputStreamOperatorTestHarness<RowData, RowData> harness(
            OneInputStreamOperator<RowData, RowData> operator, int parallelism, int subtask) throws Exception {
        var harness = new OneInputStreamOperatorTestHarness<>(operator, MAX_PARALLELISM, parallelism, subtask);
        harness.setup(InternalSerializers.create(ROWS));
        return harness;
    }

    private static void send(
            OneInputStreamOperatorTestHarness<RowData, RowData> operator, String device, String identity, String record)
            throws Exception {
        operator.processElement(
                new StreamRecord<>(GenericRowData.of(bytesOf(device), bytesOf(identity), bytesOf(record))));
    }

    private static byte[] bytesOf(String text) {
        return text == null ? null : text.getBytes(StandardCharsets.UTF_8);
    }

    private static List<String> emitted(OneInputStreamOperatorTestHarness<RowData, RowData> operator) {
        return operator.extractOutputValues().stream()
                .map(row -> new String(row.getBinary(2), StandardCharsets.UTF_8)
                        + (row.isNullAt(3) ? "" : ": " + row.getString(3)))
                .collect(Collectors.toList());
    }
}
