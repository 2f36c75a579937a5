package io.headrace.flink;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.HashMap;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;

class LongIntMapTest {

    @Test
    void itHoldsWhatAHashMapHolds() {
        Random random = new Random(7);
        Map<Long, Integer> expected = new HashMap<>();
        LongIntMap map = new LongIntMap(0);
        for (int number = 0; number < 300_000; number++) {
            // Close together, far apart, and some twice.
            long key = 1 + (number % 2 == 0 ? random.nextInt(100_000) : random.nextLong() >>> 1);
            int slot = map.slotOf(key);
            assertEquals(expected.containsKey(key), slot != LongIntMap.ABSENT);
            if (slot == LongIntMap.ABSENT) {
                map.add(key, number);
            } else {
                assertEquals(expected.get(key), map.valueAt(slot));
                map.setValueAt(slot, number);
            }
            expected.put(key, number);
        }
        assertEquals(expected, contentOf(map));
    }

    @Test
    void aMapOfTheExpectedSizeDoesNotGrow() {
        for (int n : new int[] {1, 42, 43, 64, 1000, 87_381}) {
            LongIntMap map = new LongIntMap(n);
            int capacity = map.capacity();
            for (long key = 1; key <= n; key++) {
                map.add(key, 0);
            }
            assertEquals(capacity, map.capacity());
            assertEquals(n, map.size());
        }
    }

    @Test
    void aKeyThatIsAbsentIsLookedForInAFewSlotsOnly() {
        LongIntMap map = new LongIntMap(0);
        Random random = new Random(7);
        for (int number = 0; number < 1_000_000; number++) {
            map.add(1 + (random.nextLong() >>> 1), 0);
        }
        int longest = 0;
        int run = 0;
        for (int slot = 0; slot < map.capacity(); slot++) {
            run = map.isFree(slot) ? 0 : run + 1;
            longest = Math.max(longest, run);
        }
        assertEquals(true, longest < 1000, () -> "a run of slots without a free one");
    }

    private static Map<Long, Integer> contentOf(LongIntMap map) {
        Map<Long, Integer> content = new HashMap<>();
        for (int slot = 0; slot < map.capacity(); slot++) {
            if (!map.isFree(slot)) {
                content.put(map.keyAt(slot), map.valueAt(slot));
            }
        }
        assertEquals(map.size(), content.size());
        return content;
    }
}
