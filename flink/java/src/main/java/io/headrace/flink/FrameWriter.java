package io.headrace.flink;

import java.nio.ByteBuffer;
import java.util.Arrays;

/**
 * Writes the fields of records into a frame, the form in which a micro-batch crosses to Python.
 *
 * <p>A frame is MessagePack: an array of the fields of all records, each {@code bin}, or {@code nil} for NULL, in the
 * shortest of its forms. Its twin is flink/framing.py. Specification:
 * https://github.com/msgpack/msgpack/blob/master/spec.md
 *
 * <p>An array of its own in place of ByteArrayOutputStream, which takes a lock for each byte of a length.
 */
final class FrameWriter {

    static final byte NIL = (byte) 0xc0;
    static final byte BIN_8 = (byte) 0xc4;
    static final byte BIN_16 = (byte) 0xc5;
    static final byte BIN_32 = (byte) 0xc6;
    static final byte FIX_ARRAY = (byte) 0x90;
    static final byte ARRAY_16 = (byte) 0xdc;
    static final byte ARRAY_32 = (byte) 0xdd;
    static final int MAX_FIX_ARRAY = 15;

    private static final int MAX_8 = 0xff;
    private static final int MAX_16 = 0xffff;
    private static final int MAX_HEAD = 5;
    private static final int MIN_BYTES = 128;

    private byte[] fields = new byte[MIN_BYTES];
    private int size;
    private int count;

    /** Adds a field; null is NULL. */
    void add(byte[] field) {
        count++;
        if (field == null) {
            reserve(1);
            fields[size++] = NIL;
            return;
        }
        reserve(Math.addExact(MAX_HEAD, field.length));
        ByteBuffer head = ByteBuffer.wrap(fields, size, MAX_HEAD);
        if (field.length <= MAX_8) {
            head.put(BIN_8).put((byte) field.length);
        } else if (field.length <= MAX_16) {
            head.put(BIN_16).putShort((short) field.length);
        } else {
            head.put(BIN_32).putInt(field.length);
        }
        System.arraycopy(field, 0, fields, head.position(), field.length);
        size = head.position() + field.length;
    }

    boolean isEmpty() {
        return count == 0;
    }

    /** Bytes that the frame has so far, about. */
    int size() {
        return MAX_HEAD + size;
    }

    /** The frame of all that was added; the writer is empty again. */
    byte[] take() {
        ByteBuffer head = ByteBuffer.allocate(MAX_HEAD);
        if (count <= MAX_FIX_ARRAY) {
            head.put((byte) (FIX_ARRAY | count));
        } else if (count <= MAX_16) {
            head.put(ARRAY_16).putShort((short) count);
        } else {
            head.put(ARRAY_32).putInt(count);
        }
        byte[] frame = new byte[Math.addExact(head.position(), size)];
        System.arraycopy(head.array(), 0, frame, 0, head.position());
        System.arraycopy(fields, 0, frame, head.position(), size);
        count = 0;
        size = 0;
        return frame;
    }

    private void reserve(int more) {
        int needed = Math.addExact(size, more);
        if (needed > fields.length) {
            fields = Arrays.copyOf(fields, Math.max(needed, (int) Math.min(Integer.MAX_VALUE - 8L, 2L * fields.length)));
        }
    }
}
