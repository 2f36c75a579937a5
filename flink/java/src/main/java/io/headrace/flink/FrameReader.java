package io.headrace.flink;

import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;

/** Reads the fields of a frame one by one; {@link FrameWriter} has its layout. */
final class FrameReader {

    private final ByteBuffer lengths;
    private final ByteBuffer fields;

    /** Throws IllegalArgumentException for bytes that are no frame. */
    FrameReader(byte[] frame) {
        try {
            ByteBuffer all = ByteBuffer.wrap(frame);
            int lengthsEnd = Math.addExact(Integer.BYTES, Math.multiplyExact(Integer.BYTES, all.getInt()));
            lengths = ByteBuffer.wrap(frame, Integer.BYTES, lengthsEnd - Integer.BYTES);
            fields = ByteBuffer.wrap(frame, lengthsEnd, frame.length - lengthsEnd);
        } catch (BufferUnderflowException | IndexOutOfBoundsException | ArithmeticException error) {
            throw new IllegalArgumentException("not a frame: its lengths reach beyond its end", error);
        }
    }

    boolean hasNext() {
        return lengths.hasRemaining();
    }

    /** The next field, null for NULL. */
    byte[] next() {
        int length = lengths.getInt();
        if (length == FrameWriter.NULL) {
            return null;
        }
        if (length < 0 || length > fields.remaining()) {
            throw new IllegalArgumentException("not a frame: a field of " + length + " bytes reaches beyond its end");
        }
        byte[] field = new byte[length];
        fields.get(field);
        return field;
    }
}
