package io.headrace.flink;

import java.util.Arrays;
import java.util.List;
import org.apache.flink.api.common.operators.ProcessingTimeService.ProcessingTimeCallback;
import org.apache.flink.streaming.api.operators.AbstractStreamOperator;
import org.apache.flink.streaming.api.operators.OneInputStreamOperator;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.table.data.GenericRowData;
import org.apache.flink.table.data.RowData;

/**
 * Gathers the records of each bucket for a while, then emits them as one frame.
 *
 * <p>(bucket, columns...) in, (bucket, frame) out; the fields of a record are its columns, in their order. Keeps no
 * state: all is emitted before a checkpoint's barrier, and when the input ends (docs/adr/0019).
 *
 * <p>A frame without records is a tick: so much time has gone by, whether records come or not. The first subtask sends
 * one to each bucket, behind the records that it has. Operators in Python need no timers for it, which lose data
 * (docs/adr/0037).
 */
public class GatherMicroBatchesOperator extends AbstractStreamOperator<RowData>
        implements OneInputStreamOperator<RowData, RowData>, ProcessingTimeCallback {

    private static final long serialVersionUID = 1L;

    private final FieldEncoder[] columns;
    private final int buckets;
    private final long maxWaitMs;
    private final int maxBytes;
    private final long tickMs;

    private transient FrameWriter[] frames;
    private transient boolean isTimerSet;

    /**
     * Of a number of buckets, numbered from 0.
     *
     * @param maxWaitMs how long a record waits at most
     * @param maxBytes of a bucket's frame that end the wait
     * @param tickMs between two ticks; 0 for none
     */
    public GatherMicroBatchesOperator(
            List<FieldEncoder> columns, int buckets, long maxWaitMs, int maxBytes, long tickMs) {
        this.columns = columns.toArray(new FieldEncoder[0]);
        this.buckets = buckets;
        this.maxWaitMs = maxWaitMs;
        this.maxBytes = maxBytes;
        this.tickMs = tickMs;
    }

    @Override
    public void open() throws Exception {
        super.open();
        frames = new FrameWriter[buckets];
        Arrays.setAll(frames, bucket -> new FrameWriter());
        isTimerSet = false;
        if (tickMs > 0 && getRuntimeContext().getTaskInfo().getIndexOfThisSubtask() == 0) {
            registerTick();
        }
    }

    @Override
    public void processElement(StreamRecord<RowData> element) throws Exception {
        RowData row = element.getValue();
        int bucket = row.getInt(0);
        FrameWriter frame = frames[bucket];
        for (FieldEncoder column : columns) {
            frame.add(column.encode(row));
        }
        if (frame.size() >= maxBytes) {
            emit(bucket);
        }
        if (!isTimerSet) {
            isTimerSet = true;
            long now = getProcessingTimeService().getCurrentProcessingTime();
            getProcessingTimeService().registerTimer(now + maxWaitMs, this);
        }
    }

    @Override
    public void onProcessingTime(long time) throws Exception {
        isTimerSet = false;
        emitAll();
    }

    @Override
    public void prepareSnapshotPreBarrier(long checkpoint) throws Exception {
        super.prepareSnapshotPreBarrier(checkpoint);
        emitAll();
    }

    @Override
    public void finish() throws Exception {
        emitAll();
        super.finish();
    }

    private void registerTick() {
        long now = getProcessingTimeService().getCurrentProcessingTime();
        getProcessingTimeService().registerTimer(now + tickMs, this::tick);
    }

    /** Late ticks are not made up for: time that nothing was read in does not count. */
    private void tick(long time) {
        emitAll();
        for (int bucket = 0; bucket < frames.length; bucket++) {
            emit(bucket);
        }
        registerTick();
    }

    private void emitAll() {
        for (int bucket = 0; bucket < frames.length; bucket++) {
            if (!frames[bucket].isEmpty()) {
                emit(bucket);
            }
        }
    }

    private void emit(int bucket) {
        output.collect(new StreamRecord<>(GenericRowData.of(bucket, frames[bucket].take())));
    }
}
