package io.headrace.flink;

import java.util.List;
import org.apache.flink.api.common.state.ListState;
import org.apache.flink.api.common.state.ListStateDescriptor;
import org.apache.flink.api.common.typeutils.base.LongSerializer;
import org.apache.flink.runtime.state.StateInitializationContext;
import org.apache.flink.runtime.state.StateSnapshotContext;
import org.apache.flink.streaming.api.operators.AbstractStreamOperator;
import org.apache.flink.streaming.api.operators.OneInputStreamOperator;
import org.apache.flink.streaming.api.watermark.Watermark;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;

/**
 * Forwards records and watermarks, and after a restart emits the last watermark before the first record.
 *
 * <p>After a restart a source has no watermark for a while, and then one that is older than the last. Flink's window
 * operator keeps its own over a restart and drops without a word what is behind it; CURRENT_WATERMARK in SQL knows of
 * none, and takes that as in time. Behind this operator both see the same (docs/adr/0018).
 *
 * <p>No lower watermark follows. It is kept and restored as Flink's window operator does with its own: all subtasks go
 * on with the lowest of all.
 *
 * @param <T> of the records; they are not looked at
 */
public class RememberWatermarkOperator<T> extends AbstractStreamOperator<T> implements OneInputStreamOperator<T, T> {

    private static final long serialVersionUID = 1L;

    private transient long watermark;
    private transient boolean isEmitted;
    private transient ListState<Long> state;

    @Override
    public void initializeState(StateInitializationContext context) throws Exception {
        super.initializeState(context);
        state = context.getOperatorStateStore()
                .getUnionListState(new ListStateDescriptor<>("watermark", LongSerializer.INSTANCE));
        watermark = Long.MIN_VALUE;
        isEmitted = true;
        long lowest = Long.MAX_VALUE;
        for (long kept : state.get()) {
            lowest = Math.min(lowest, kept);
        }
        if (lowest != Long.MAX_VALUE) { // nothing was kept, or the job had come to its end
            watermark = lowest;
            isEmitted = false;
        }
    }

    @Override
    public void snapshotState(StateSnapshotContext context) throws Exception {
        super.snapshotState(context);
        state.update(List.of(watermark));
    }

    @Override
    public void processElement(StreamRecord<T> element) throws Exception {
        if (!isEmitted) {
            emit();
        }
        output.collect(element);
    }

    @Override
    public void processWatermark(Watermark mark) throws Exception {
        if (mark.getTimestamp() > watermark) {
            watermark = mark.getTimestamp();
            emit();
        }
    }

    private void emit() throws Exception {
        isEmitted = true;
        super.processWatermark(new Watermark(watermark));
    }
}
