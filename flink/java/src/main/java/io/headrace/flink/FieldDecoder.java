package io.headrace.flink;

import java.io.Serializable;
import java.nio.ByteBuffer;
import org.apache.flink.table.types.logical.LogicalType;

/** A column's value in the planner's own form from its bytes in a frame, the inverse of {@link FieldEncoder}. */
@FunctionalInterface
interface FieldDecoder extends Serializable {

    Object decode(byte[] field);

    /** Throws IllegalArgumentException for a type that is scattered from no frame. */
    static FieldDecoder of(LogicalType type) {
        FieldDecoder decoder = ofValues(type);
        return field -> field == null ? null : decoder.decode(field);
    }

    private static FieldDecoder ofValues(LogicalType type) {
        switch (type.getTypeRoot()) {
            case BINARY:
            case VARBINARY:
                return field -> field;
            case BIGINT:
                return field -> ByteBuffer.wrap(field).getLong();
            case BOOLEAN:
                return field -> field[0] != 0;
            case DOUBLE:
                return field -> ByteBuffer.wrap(field).getDouble();
            default:
                throw new IllegalArgumentException("no column of type " + type + " is scattered from a frame");
        }
    }
}
