import java.io.ByteArrayOutputStream;
import org.apache.flink.api.common.operators.ProcessingTimeService.ProcessingTimeCallback;
import org.apache.flink.streaming.api.graph.StreamConfig;
import org.apache.flink.streaming.api.operators.AbstractStreamOperator;
import org.apache.flink.streaming.api.operators.OneInputStreamOperator;
import org.apache.flink.streaming.api.operators.Output;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.streaming.runtime.tasks.ProcessingTimeService;
import org.apache.flink.streaming.runtime.tasks.StreamTask;
import org.apache.flink.table.data.GenericRowData;
import org.apache.flink.table.data.RowData;

/**
 * Gathers the records of each bucket for a while, then hands them on as one JSON array and the length of each.
 *
 * (bucket, record) in, (bucket, records, lengths) out. Keeps no state: all is handed on before a checkpoint's barrier,
 * and when the input ends. Compiled by Janino (jobs/operators/java_stage.py), hence neither generics nor lambdas.
 */
public class GatherMicroBatches extends AbstractStreamOperator
        implements OneInputStreamOperator, ProcessingTimeCallback {

    private final ByteArrayOutputStream[] records;
    private final ByteArrayOutputStream[] lengths;
    private final long everyMs;
    private final int mostBytes;
    private boolean isTimerSet = false;

    /** references: number of buckets, milliseconds that a record waits at most, bytes of a bucket that end the wait. */
    public GatherMicroBatches(
            Object[] references, StreamTask task, StreamConfig config, Output output, ProcessingTimeService time)
            throws Exception {
        int buckets = ((Integer) references[0]).intValue();
        everyMs = ((Integer) references[1]).longValue();
        mostBytes = ((Integer) references[2]).intValue();
        records = new ByteArrayOutputStream[buckets];
        lengths = new ByteArrayOutputStream[buckets];
        for (int bucket = 0; bucket < buckets; bucket++) {
            records[bucket] = new ByteArrayOutputStream();
            lengths[bucket] = new ByteArrayOutputStream();
        }
        this.setup(task, config, output);
        this.setProcessingTimeService(time);
    }

    @Override
    public void processElement(StreamRecord element) throws Exception {
        RowData row = (RowData) element.getValue();
        int bucket = row.getInt(0);
        byte[] record = row.getBinary(1);
        ByteArrayOutputStream array = records[bucket];
        array.write(array.size() == 0 ? '[' : ',');
        array.write(record, 0, record.length);
        for (int shift = 24; shift >= 0; shift -= 8) {
            lengths[bucket].write(record.length >>> shift);
        }
        if (array.size() >= mostBytes) {
            handOn(bucket);
        }
        if (!isTimerSet) {
            isTimerSet = true;
            getProcessingTimeService().registerTimer(
                    getProcessingTimeService().getCurrentProcessingTime() + everyMs, this);
        }
    }

    @Override
    public void onProcessingTime(long time) throws Exception {
        isTimerSet = false;
        handOnAll();
    }

    @Override
    public void prepareSnapshotPreBarrier(long checkpoint) throws Exception {
        handOnAll();
    }

    @Override
    public void finish() throws Exception {
        handOnAll();
        super.finish();
    }

    private void handOnAll() throws Exception {
        for (int bucket = 0; bucket < records.length; bucket++) {
            if (records[bucket].size() > 0) {
                handOn(bucket);
            }
        }
    }

    private void handOn(int bucket) throws Exception {
        records[bucket].write(']');
        GenericRowData batch = new GenericRowData(3);
        batch.setField(0, Integer.valueOf(bucket));
        batch.setField(1, records[bucket].toByteArray());
        batch.setField(2, lengths[bucket].toByteArray());
        records[bucket].reset();
        lengths[bucket].reset();
        output.collect(new StreamRecord(batch));
    }
}
