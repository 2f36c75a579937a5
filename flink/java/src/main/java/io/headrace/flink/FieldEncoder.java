package io.headrace.flink;

import java.io.Serializable;
import java.nio.ByteBuffer;
import org.apache.flink.table.data.ArrayData;
import org.apache.flink.table.data.MapData;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.types.logical.LogicalType;
import org.apache.flink.table.types.logical.LogicalTypeRoot;
import org.apache.flink.table.types.logical.utils.LogicalTypeChecks;

/**
 * The bytes of one column of a row in a frame: BYTES as they are, text as UTF-8, numbers as 8 bytes, BOOLEAN as one, a
 * TIMESTAMP_LTZ of up to ms as the number of its ms since the epoch, a MAP of text to BYTES as a frame of its keys and
 * values.
 */
@FunctionalInterface
interface FieldEncoder extends Serializable {

    /** The precision of a time in ms. */
    int MS = 3;

    byte[] encode(RowData row);

    /** For the column at a position. Throws IllegalArgumentException for a type that a frame does not hold. */
    static FieldEncoder of(LogicalType type, int position) {
        FieldEncoder encoder = ofValues(type, position);
        return row -> row.isNullAt(position) ? null : encoder.encode(row);
    }

    private static FieldEncoder ofValues(LogicalType type, int position) {
        switch (type.getTypeRoot()) {
            case BINARY:
            case VARBINARY:
                return row -> row.getBinary(position);
            case CHAR:
            case VARCHAR:
                return row -> row.getString(position).toBytes();
            case INTEGER:
                return row -> bytesOf(row.getInt(position));
            case BIGINT:
                return row -> bytesOf(row.getLong(position));
            case BOOLEAN:
                return row -> new byte[] {(byte) (row.getBoolean(position) ? 1 : 0)};
            case TIMESTAMP_WITH_LOCAL_TIME_ZONE:
                int precision = LogicalTypeChecks.getPrecision(type);
                if (precision > MS) {
                    throw new IllegalArgumentException("a frame holds no column of type " + type);
                }
                return row -> bytesOf(row.getTimestamp(position, precision).getMillisecond());
            case MAP:
                if (isOfTextToBytes(type)) {
                    return row -> bytesOf(row.getMap(position));
                }
                throw new IllegalArgumentException("a frame holds no column of type " + type);
            default:
                throw new IllegalArgumentException("a frame holds no column of type " + type);
        }
    }

    private static boolean isOfTextToBytes(LogicalType map) {
        return map.getChildren().get(0).is(LogicalTypeRoot.VARCHAR)
                && map.getChildren().get(1).is(LogicalTypeRoot.VARBINARY);
    }

    private static byte[] bytesOf(long number) {
        return ByteBuffer.allocate(Long.BYTES).putLong(number).array();
    }

    private static byte[] bytesOf(MapData map) {
        ArrayData keys = map.keyArray();
        ArrayData values = map.valueArray();
        FrameWriter entries = new FrameWriter();
        for (int entry = 0; entry < map.size(); entry++) {
            entries.add(keys.getString(entry).toBytes());
            entries.add(values.isNullAt(entry) ? null : values.getBinary(entry));
        }
        return entries.take();
    }
}
