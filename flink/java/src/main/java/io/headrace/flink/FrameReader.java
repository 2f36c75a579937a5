package io.headrace.flink;

import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;

/** Reads the fields of a frame one by one; {@link FrameWriter} says what a frame is. */
final class FrameReader {

    private final ByteBuffer frame;
    private int left;

    /** Throws IllegalArgumentException for bytes that are no frame. */
    FrameReader(byte[] bytes) {
        frame = ByteBuffer.wrap(bytes);
        try {
            left = readCount();
        } catch (BufferUnderflowException error) {
            throw new IllegalArgumentException("not a frame: it ends before its first field", error);
        }
        if (left < 0 || left > frame.remaining() || (left == 0 && frame.hasRemaining())) {
            throw new IllegalArgumentException(
                    "not a frame: " + left + " fields in " + frame.remaining() + " bytes");
        }
    }

    boolean hasNext() {
        return left > 0;
    }

    /** The next field, null for NULL. Throws IllegalArgumentException where there is none. */
    byte[] next() {
        try {
            left--;
            int length = readLength();
            byte[] field = length < 0 ? null : new byte[length];
            if (field != null) {
                frame.get(field);
            }
            if (left == 0 && frame.hasRemaining()) {
                throw new IllegalArgumentException("not a frame: " + frame.remaining() + " bytes behind its last field");
            }
            return field;
        } catch (BufferUnderflowException error) {
            throw new IllegalArgumentException("not a frame: a field reaches beyond its end", error);
        }
    }

    private int readCount() {
        byte head = frame.get();
        if (head == FrameWriter.ARRAY_16) {
            return Short.toUnsignedInt(frame.getShort());
        }
        if (head == FrameWriter.ARRAY_32) {
            return frame.getInt();
        }
        if ((head & ~FrameWriter.MAX_FIX_ARRAY) != FrameWriter.FIX_ARRAY) {
            throw new IllegalArgumentException("not a frame: it begins with " + head + ", which is no array");
        }
        return head & FrameWriter.MAX_FIX_ARRAY;
    }

    /** Of the next field in bytes, -1 for NULL. */
    private int readLength() {
        byte head = frame.get();
        int length;
        switch (head) {
            case FrameWriter.NIL:
                return -1;
            case FrameWriter.BIN_8:
                length = Byte.toUnsignedInt(frame.get());
                break;
            case FrameWriter.BIN_16:
                length = Short.toUnsignedInt(frame.getShort());
                break;
            case FrameWriter.BIN_32:
                length = frame.getInt();
                break;
            default:
                throw new IllegalArgumentException("not a frame: a field begins with " + head + ", which is no bin");
        }
        if (length < 0 || length > frame.remaining()) {
            throw new IllegalArgumentException("not a frame: a field of " + length + " bytes reaches beyond its end");
        }
        return length;
    }
}
