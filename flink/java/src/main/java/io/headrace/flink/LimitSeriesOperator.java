package io.headrace.flink;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.apache.flink.api.common.operators.ProcessingTimeService.ProcessingTimeCallback;
import org.apache.flink.api.common.state.ListState;
import org.apache.flink.api.common.state.ListStateDescriptor;
import org.apache.flink.api.common.typeutils.base.array.BytePrimitiveArraySerializer;
import org.apache.flink.metrics.Counter;
import org.apache.flink.metrics.Gauge;
import org.apache.flink.metrics.MetricGroup;
import org.apache.flink.runtime.state.StateInitializationContext;
import org.apache.flink.runtime.state.StateSnapshotContext;
import org.apache.flink.streaming.api.operators.AbstractStreamOperator;
import org.apache.flink.streaming.api.operators.OneInputStreamOperator;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.table.data.GenericRowData;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.data.StringData;
import org.apache.flink.table.data.utils.JoinedRowData;

/**
 * Rows in, the same rows out with one column more: NULL, or the detail of the limit that keeps a reading's series out
 * (docs/adr/0031).
 *
 * <p>A row is a reading if it has an identity. A series that is known may always send; one that has been silent for its
 * lifetime is forgotten. The operator has no shuffle of its own: its parallel subtasks share the limits
 * ({@link JobCount}), and after a restart each knows the series of all.
 */
public class LimitSeriesOperator extends AbstractStreamOperator<RowData>
        implements OneInputStreamOperator<RowData, RowData>, ProcessingTimeCallback {

    private static final long serialVersionUID = 1L;
    private static final long MIN_FORGET_EVERY_MS = 1000;
    private static final long MAX_FORGET_EVERY_MS = 60_000;

    private final int deviceColumn;
    private final int identityColumn;
    private final SeriesLimits limits;

    private transient SeriesCensus census;
    private transient ListState<byte[]> state;
    private transient RowData[] details;
    private transient RowData noDetail;
    private transient Counter tooManySeries;
    private transient Counter unreadableStates;

    /** The columns of a device and of a reading's identity, which begins with its metric ({@link SeriesKey}). */
    public LimitSeriesOperator(int deviceColumn, int identityColumn, SeriesLimits limits) {
        this.deviceColumn = deviceColumn;
        this.identityColumn = identityColumn;
        this.limits = limits;
    }

    @Override
    public void initializeState(StateInitializationContext context) throws Exception {
        super.initializeState(context);
        int parallelism = getRuntimeContext().getTaskInfo().getNumberOfParallelSubtasks();
        census = new SeriesCensus(
                limits.maxSeries, limits.maxDevices, limits.maxMetrics, limits.lifetimeS, parallelism);
        registerMetrics(getMetricGroup());
        state = context.getOperatorStateStore()
                .getUnionListState(new ListStateDescriptor<>("series", BytePrimitiveArraySerializer.INSTANCE));
        List<byte[]> readable = new ArrayList<>();
        for (byte[] kept : state.get()) {
            if (SeriesState.isReadable(kept)) {
                readable.add(kept);
            } else {
                unreadableStates.inc();
                LOG.warn("{} bytes of series are of another version: these series start anew", kept.length);
            }
        }
        if (!readable.isEmpty()) {
            census.restore(readable, nowS());
        }
        state.clear(); // of all subtasks; each snapshot is of this one
    }

    @Override
    public void open() throws Exception {
        super.open();
        noDetail = GenericRowData.of((Object) null);
        details = new RowData[SeriesLimits.N];
        Arrays.setAll(details, limit -> GenericRowData.of(StringData.fromString(limits.detail(limit))));
        setTimer();
    }

    @Override
    public void processElement(StreamRecord<RowData> element) {
        RowData row = element.getValue();
        output.collect(element.replace(new JoinedRowData(row.getRowKind(), row, detailOf(row))));
    }

    private RowData detailOf(RowData row) {
        if (row.isNullAt(identityColumn) || row.isNullAt(deviceColumn)) {
            return noDetail;
        }
        int limit = census.admit(SeriesKey.of(row.getBinary(deviceColumn), row.getBinary(identityColumn)), nowS());
        if (limit == SeriesCensus.ADMITTED) {
            return noDetail;
        }
        tooManySeries.inc();
        return details[limit];
    }

    @Override
    public void onProcessingTime(long time) {
        census.forget(nowS());
        setTimer();
    }

    @Override
    public void snapshotState(StateSnapshotContext context) throws Exception {
        super.snapshotState(context);
        state.update(List.of(stateOfThisSubtask()));
    }

    byte[] stateOfThisSubtask() {
        return census.snapshot(getRuntimeContext().getTaskInfo().getIndexOfThisSubtask());
    }

    /** Counts, limits, and what was refused. The counts are estimates of the whole job ({@link JobCount}). */
    private void registerMetrics(MetricGroup metrics) {
        metrics.gauge("series", (Gauge<Long>) () -> census.series());
        metrics.gauge("series_limit", (Gauge<Integer>) () -> limits.maxSeries);
        metrics.gauge("devices", (Gauge<Long>) () -> census.devices());
        metrics.gauge("devices_limit", (Gauge<Integer>) () -> limits.maxDevices);
        metrics.gauge("metrics_per_device", (Gauge<Integer>) () -> census.metricsOfFullestDevice());
        metrics.gauge("metrics_per_device_limit", (Gauge<Integer>) () -> limits.maxMetrics);
        tooManySeries = metrics.counter("too_many_series");
        unreadableStates = metrics.counter("unreadable_states");
    }

    private void setTimer() {
        long every = Math.max(MIN_FORGET_EVERY_MS, Math.min(MAX_FORGET_EVERY_MS, limits.lifetimeS * 100L));
        getProcessingTimeService()
                .registerTimer(getProcessingTimeService().getCurrentProcessingTime() + every, this);
    }

    private int nowS() {
        return (int) (getProcessingTimeService().getCurrentProcessingTime() / 1000);
    }
}
