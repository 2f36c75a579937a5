package io.headrace.flink;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;

/**
 * Writes the fields of records into a frame, the form in which a micro-batch crosses to Python.
 *
 * <pre>
 *   int32          number of fields, of all records together
 *   int32 each     length of each field in bytes, -1 for NULL
 *   bytes          of the fields, one behind the other
 * </pre>
 *
 * <p>Integers are big-endian. The lengths stand together, so that Python reads them in one call. Its twin is
 * flink/framing.py.
 */
final class FrameWriter {

    static final int NULL = -1;

    private final ByteArrayOutputStream lengths = new ByteArrayOutputStream();
    private final ByteArrayOutputStream fields = new ByteArrayOutputStream();

    /** Adds a field; null is NULL. */
    void add(byte[] field) {
        int length = field == null ? NULL : field.length;
        for (int shift = 24; shift >= 0; shift -= 8) {
            lengths.write(length >>> shift);
        }
        if (length > 0) {
            fields.write(field, 0, length);
        }
    }

    boolean isEmpty() {
        return lengths.size() == 0;
    }

    /** Bytes that the frame has so far. */
    int size() {
        return Integer.BYTES + lengths.size() + fields.size();
    }

    /** The frame of all that was added; the writer is empty again. */
    byte[] take() {
        byte[] frame = ByteBuffer.allocate(size())
                .putInt(lengths.size() / Integer.BYTES)
                .put(lengths.toByteArray())
                .put(fields.toByteArray())
                .array();
        lengths.reset();
        fields.reset();
        return frame;
    }
}
