package io.headrace.flink;

import org.apache.flink.table.annotation.DataTypeHint;
import org.apache.flink.table.annotation.FunctionHint;
import org.apache.flink.table.functions.AggregateFunction;
import org.apache.flink.types.Row;

/**
 * {@code LATEST_RECORD(partition, offset, record) OVER (...)}: the newest record that is not NULL, and where it stands.
 *
 * <p>As LAST_VALUE, which takes no BYTES. All fields are NULL before there is one.
 */
@FunctionHint(output = @DataTypeHint("ROW<`partition` INT, `offset` BIGINT, `record` BYTES>"))
public class LatestRecordFunction extends AggregateFunction<Row, LatestRecordFunction.Latest> {

    private static final long serialVersionUID = 1L;

    /** What is kept in state. */
    public static class Latest {
        public Integer partition;
        public Long offset;
        public byte[] record;
    }

    @Override
    public Latest createAccumulator() {
        return new Latest();
    }

    /** Called by Flink for each row. */
    public void accumulate(Latest latest, Integer partition, Long offset, byte[] record) {
        if (record != null) {
            latest.partition = partition;
            latest.offset = offset;
            latest.record = record;
        }
    }

    @Override
    public Row getValue(Latest latest) {
        return Row.of(latest.partition, latest.offset, latest.record);
    }
}
