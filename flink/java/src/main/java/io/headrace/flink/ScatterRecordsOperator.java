package io.headrace.flink;

import java.util.List;
import org.apache.flink.streaming.api.operators.AbstractStreamOperator;
import org.apache.flink.streaming.api.operators.OneInputStreamOperator;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.table.data.GenericRowData;
import org.apache.flink.table.data.RowData;

/** The records of a frame, one by one: (frame) in, (columns...) out. */
public class ScatterRecordsOperator extends AbstractStreamOperator<RowData>
        implements OneInputStreamOperator<RowData, RowData> {

    private static final long serialVersionUID = 1L;

    private final FieldDecoder[] columns;

    /** Of records with these columns, in their order. */
    public ScatterRecordsOperator(List<FieldDecoder> columns) {
        this.columns = columns.toArray(new FieldDecoder[0]);
    }

    @Override
    public void processElement(StreamRecord<RowData> element) {
        FrameReader fields = new FrameReader(element.getValue().getBinary(0));
        while (fields.hasNext()) {
            GenericRowData record = new GenericRowData(columns.length);
            for (int column = 0; column < columns.length; column++) {
                record.setField(column, columns[column].decode(fields.next()));
            }
            output.collect(new StreamRecord<>(record));
        }
    }
}
