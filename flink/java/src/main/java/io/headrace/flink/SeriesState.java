package io.headrace.flink;

import java.nio.ByteBuffer;

/** The bytes that a subtask's series are kept as: a version, then for each its key and when it was seen last. */
final class SeriesState {

    /** Of this layout, and of what {@link SeriesKey} makes of a series. */
    static final int VERSION = 1;

    private static final int HEADER_BYTES = Integer.BYTES;
    private static final int ENTRY_BYTES = Long.BYTES + Integer.BYTES;

    private SeriesState() {}

    @FunctionalInterface
    interface Entry {
        void accept(long series, int lastSeenS);
    }

    /** For so many series, the version already put. */
    static ByteBuffer allocate(int n) {
        return ByteBuffer.allocate(HEADER_BYTES + n * ENTRY_BYTES).putInt(VERSION);
    }

    static void put(ByteBuffer state, long series, int lastSeenS) {
        state.putLong(series).putInt(lastSeenS);
    }

    /** Whether the bytes are of this version and whole. */
    static boolean isReadable(byte[] state) {
        return state.length % ENTRY_BYTES == HEADER_BYTES && ByteBuffer.wrap(state).getInt() == VERSION;
    }

    /** How many series readable bytes hold. */
    static int size(byte[] state) {
        return state.length / ENTRY_BYTES;
    }

    /** Each series of readable bytes. */
    static void forEach(byte[] state, Entry entry) {
        ByteBuffer bytes = ByteBuffer.wrap(state, HEADER_BYTES, state.length - HEADER_BYTES);
        while (bytes.hasRemaining()) {
            entry.accept(bytes.getLong(), bytes.getInt());
        }
    }
}
