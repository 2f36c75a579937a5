package io.headrace.flink;

/**
 * A hash map of long to int without an object per entry: open addressing, linear probing, at most two thirds full.
 *
 * <p>An entry is read and changed through its slot, which holds until the next {@link #add}. Entries are never removed:
 * who wants fewer makes a new map, of the size that it will have. (Filled in the order of another map's slots, a map that
 * has to grow would form one long run.)
 */
final class LongIntMap {

    static final int ABSENT = -1;

    private static final long FREE = 0;
    private static final int MIN_CAPACITY = 64;

    private long[] keys;
    private int[] values;
    private int shift;
    private int size;

    LongIntMap(int expectedSize) {
        allocate(Math.max(MIN_CAPACITY, 2 * Integer.highestOneBit(Math.max(1, expectedSize + expectedSize / 2))));
    }

    int size() {
        return size;
    }

    /** The number of slots, some of them free. */
    int capacity() {
        return keys.length;
    }

    /** The slot of a key, which is not 0, or ABSENT. */
    int slotOf(long key) {
        int slot = firstSlotOf(key);
        while (keys[slot] != key) {
            if (keys[slot] == FREE) {
                return ABSENT;
            }
            slot = slot + 1 & keys.length - 1;
        }
        return slot;
    }

    boolean isFree(int slot) {
        return keys[slot] == FREE;
    }

    long keyAt(int slot) {
        return keys[slot];
    }

    int valueAt(int slot) {
        return values[slot];
    }

    void setValueAt(int slot, int value) {
        values[slot] = value;
    }

    /** A key that is absent and not 0. */
    void add(long key, int value) {
        if (3L * (size + 1) > 2L * keys.length) {
            grow();
        }
        int slot = firstSlotOf(key);
        while (keys[slot] != FREE) {
            slot = slot + 1 & keys.length - 1;
        }
        keys[slot] = key;
        values[slot] = value;
        size++;
    }

    private void grow() {
        long[] oldKeys = keys;
        int[] oldValues = values;
        allocate(2 * oldKeys.length);
        for (int slot = 0; slot < oldKeys.length; slot++) {
            if (oldKeys[slot] != FREE) {
                add(oldKeys[slot], oldValues[slot]);
            }
        }
    }

    private void allocate(int capacity) {
        keys = new long[capacity];
        values = new int[capacity];
        shift = Long.SIZE - Integer.numberOfTrailingZeros(capacity);
        size = 0;
    }

    /** By multiplication with 2^64 over the golden ratio (Knuth, The Art of Computer Programming, volume 3, 6.4). */
    private int firstSlotOf(long key) {
        return (int) (key * 0x9E3779B97F4A7C15L >>> shift);
    }
}
