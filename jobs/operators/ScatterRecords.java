import java.nio.ByteBuffer;
import java.util.Arrays;
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
 * The records of a batch, one by one.
 *
 * (keys, records, lengths) in, (key, record) out. The bytes of all keys stand behind each other, so do those of the
 * records; a length is that of a key, the next that of its record. Compiled by Janino (jobs/operators/java_stage.py).
 */
public class ScatterRecords extends AbstractStreamOperator implements OneInputStreamOperator {

    public ScatterRecords(
            Object[] references, StreamTask task, StreamConfig config, Output output, ProcessingTimeService time)
            throws Exception {
        this.setup(task, config, output);
        this.setProcessingTimeService(time);
    }

    @Override
    public void processElement(StreamRecord element) throws Exception {
        RowData batch = (RowData) element.getValue();
        byte[] keys = batch.getBinary(0);
        byte[] records = batch.getBinary(1);
        ByteBuffer lengths = ByteBuffer.wrap(batch.getBinary(2));
        int key = 0;
        int record = 0;
        while (lengths.hasRemaining()) {
            int nextKey = key + lengths.getInt();
            int nextRecord = record + lengths.getInt();
            GenericRowData row = new GenericRowData(2);
            row.setField(0, Arrays.copyOfRange(keys, key, nextKey));
            row.setField(1, Arrays.copyOfRange(records, record, nextRecord));
            output.collect(new StreamRecord(row));
            key = nextKey;
            record = nextRecord;
        }
    }
}
