import org.apache.flink.api.common.state.ListState;
import org.apache.flink.api.common.state.ListStateDescriptor;
import org.apache.flink.api.common.typeutils.base.LongSerializer;
import org.apache.flink.runtime.state.StateInitializationContext;
import org.apache.flink.runtime.state.StateSnapshotContext;
import org.apache.flink.streaming.api.graph.StreamConfig;
import org.apache.flink.streaming.api.operators.AbstractStreamOperator;
import org.apache.flink.streaming.api.operators.OneInputStreamOperator;
import org.apache.flink.streaming.api.operators.Output;
import org.apache.flink.streaming.api.watermark.Watermark;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.streaming.runtime.tasks.ProcessingTimeService;
import org.apache.flink.streaming.runtime.tasks.StreamTask;

/**
 * Hands on rows and watermarks, and after a restart the last watermark of before it in front of the first row.
 *
 * No lower one follows. Kept and restored as Flink's window operator does with its own: all subtasks go on with the
 * lowest of all. Compiled on the TaskManager by Flink's own compiler (Janino), hence neither generics nor lambdas.
 */
public class RememberWatermark extends AbstractStreamOperator implements OneInputStreamOperator {

    private long watermark = Long.MIN_VALUE;
    private boolean isToldDownstream = true;
    private transient ListState state;

    public RememberWatermark(
            Object[] references, StreamTask task, StreamConfig config, Output output, ProcessingTimeService time)
            throws Exception {
        this.setup(task, config, output);
        this.setProcessingTimeService(time);
    }

    @Override
    public void initializeState(StateInitializationContext context) throws Exception {
        super.initializeState(context);
        state = context.getOperatorStateStore().getUnionListState(
                new ListStateDescriptor("watermark", LongSerializer.INSTANCE));
        long lowest = Long.MAX_VALUE;
        java.util.Iterator kept = ((Iterable) state.get()).iterator();
        while (kept.hasNext()) {
            lowest = Math.min(lowest, ((Long) kept.next()).longValue());
        }
        if (lowest != Long.MAX_VALUE) { // nothing was kept, or the job had come to its end
            watermark = lowest;
            isToldDownstream = false;
        }
    }

    @Override
    public void snapshotState(StateSnapshotContext context) throws Exception {
        super.snapshotState(context);
        state.update(java.util.Collections.singletonList(Long.valueOf(watermark)));
    }

    @Override
    public void processElement(StreamRecord row) throws Exception {
        if (!isToldDownstream) {
            tellDownstream();
        }
        output.collect(row);
    }

    @Override
    public void processWatermark(Watermark mark) throws Exception {
        if (mark.getTimestamp() > watermark) {
            watermark = mark.getTimestamp();
            tellDownstream();
        }
    }

    private void tellDownstream() throws Exception {
        isToldDownstream = true;
        super.processWatermark(new Watermark(watermark));
    }
}
