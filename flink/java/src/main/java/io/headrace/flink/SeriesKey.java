package io.headrace.flink;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;

/**
 * A series as a number of 64 bits: 40 of its device's hash, then 24 of its metric's.
 *
 * <p>Two devices of a million have the same 40 bits with a probability of a third, and are then counted as one; of a
 * device's thousand metrics two have the same 24 bits with a probability of 3 %. Either way a count is too low by one,
 * and nothing is refused for it.
 */
final class SeriesKey {

    private static final int METRIC_BITS = 24;
    private static final VarHandle WORDS =
            MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);

    private SeriesKey() {}

    /** Of a device and a metric in UTF-8; the metric ends at the first byte 0 of `identity`, or with it. Never 0. */
    static long of(byte[] device, byte[] identity) {
        int length = 0;
        while (length < identity.length && identity[length] != 0) {
            length++;
        }
        long deviceHash = hash(device, device.length, 0);
        long key = deviceHash >>> METRIC_BITS << METRIC_BITS | hash(identity, length, deviceHash) >>> 64 - METRIC_BITS;
        return key == 0 ? 1 : key;
    }

    /** The device of a series as a number, never 0. */
    static long deviceOf(long series) {
        return (series >>> METRIC_BITS) + 1;
    }

    /** Eight bytes at a time, each by a multiplication; at last the finalizer of MurmurHash3, which mixes all bits. */
    private static long hash(byte[] bytes, int length, long seed) {
        long hash = seed ^ length * 0x9E3779B97F4A7C15L;
        int next = 0;
        for (; next + Long.BYTES <= length; next += Long.BYTES) {
            hash = (hash ^ (long) WORDS.get(bytes, next)) * 0xFF51AFD7ED558CCDL;
            hash ^= hash >>> 32;
        }
        long rest = 0;
        for (; next < length; next++) {
            rest = rest << Byte.SIZE | bytes[next] & 0xFF;
        }
        hash = (hash ^ rest) * 0xFF51AFD7ED558CCDL;
        hash = (hash ^ hash >>> 33) * 0xC4CEB9FE1A85EC53L;
        return hash ^ hash >>> 33;
    }
}
