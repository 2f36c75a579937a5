package io.headrace.flink;

import org.apache.flink.streaming.api.operators.AbstractStreamOperator;
import org.apache.flink.streaming.api.operators.OneInputStreamOperator;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.table.data.GenericRowData;
import org.apache.flink.table.data.RowData;

/** The records of a frame, one by one: (frame) in, (key, record) out. */
public class ScatterRecordsOperator extends AbstractStreamOperator<RowData>
        implements OneInputStreamOperator<RowData, RowData> {

    private static final long serialVersionUID = 1L;

    @Override
    public void processElement(StreamRecord<RowData> element) {
        FrameReader fields = new FrameReader(element.getValue().getBinary(0));
        while (fields.hasNext()) {
            byte[] key = fields.next();
            output.collect(new StreamRecord<>(GenericRowData.of(key, fields.next())));
        }
    }
}
