package io.headrace.flink;

import java.nio.ByteBuffer;
import java.util.Arrays;

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
 *
 * <p>Arrays of its own in place of ByteArrayOutputStream, which takes a lock for each byte of a length.
 */
final class FrameWriter {

    static final int NULL = -1;

    private static final int MIN_FIELDS = 16;
    private static final int MIN_BYTES = 128;

    private int[] lengths = new int[MIN_FIELDS];
    private int count;
    private byte[] fields = new byte[MIN_BYTES];
    private int size;

    /** Adds a field; null is NULL. */
    void add(byte[] field) {
        if (count == lengths.length) {
            lengths = Arrays.copyOf(lengths, 2 * count);
        }
        lengths[count++] = field == null ? NULL : field.length;
        if (field != null) {
            reserve(field.length);
            System.arraycopy(field, 0, fields, size, field.length);
            size += field.length;
        }
    }

    boolean isEmpty() {
        return count == 0;
    }

    /** Bytes that the frame has so far. */
    int size() {
        return Integer.BYTES * (1 + count) + size;
    }

    /** The frame of all that was added; the writer is empty again. */
    byte[] take() {
        ByteBuffer frame = ByteBuffer.allocate(size()).putInt(count);
        frame.asIntBuffer().put(lengths, 0, count);
        frame.position(Integer.BYTES * (1 + count));
        frame.put(fields, 0, size);
        count = 0;
        size = 0;
        return frame.array();
    }

    private void reserve(int more) {
        int needed = Math.addExact(size, more);
        if (needed > fields.length) {
            fields = Arrays.copyOf(fields, Math.max(needed, (int) Math.min(Integer.MAX_VALUE - 8L, 2L * fields.length)));
        }
    }
}
