package io.headrace.flink;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;

class SeriesCensusTest {

    private static final int NOW_S = 1_790_000_000;
    private static final int LIFETIME_S = 3600;
    private static final int MANY = 1_000_000;

    @Test
    void beyondALimitNewSeriesStayOutAndKnownOnesGoOn() {
        SeriesCensus census = alone(3, MANY, MANY);
        assertEquals(List.of(-1, -1, -1, 0, 0), admitAll(census, "a/t", "b/t", "b/h", "c/t", "b/x"));
        assertEquals(List.of(-1, -1, -1, 0), admitAll(census, "a/t", "b/t", "b/h", "c/t"));
        assertEquals(3, census.series());
        assertEquals(2, census.devices());
    }

    @Test
    void theLimitOfDevicesLeavesNewMetricsOfKnownDevices() {
        SeriesCensus census = alone(MANY, 2, MANY);
        assertEquals(
                List.of(-1, -1, SeriesCensus.MAX_DEVICES, -1, SeriesCensus.MAX_DEVICES),
                admitAll(census, "a/t", "b/t", "c/t", "a/h", "d/t"));
    }

    @Test
    void theLimitOfMetricsIsThatOfOneDevice() {
        SeriesCensus census = alone(MANY, MANY, 2);
        assertEquals(
                List.of(-1, -1, SeriesCensus.MAX_METRICS, -1, -1, SeriesCensus.MAX_METRICS),
                admitAll(census, "a/t", "a/h", "a/x", "a/t", "b/t", "a/x"));
        assertEquals(2, census.metricsOfFullestDevice());
    }

    @Test
    void aSilentSeriesIsForgottenNeverBeforeItsLifetimeAndAtMostEightSecondsAfterIt() {
        for (int seenSeconds = NOW_S; seenSeconds < NOW_S + 8; seenSeconds++) {
            SeriesCensus census = alone(1, MANY, MANY);
            census.admit(series("a/t"), seenSeconds);
            census.forget(seenSeconds + LIFETIME_S);
            assertEquals(1, census.series());
            census.forget(seenSeconds + LIFETIME_S + 8);
            assertEquals(0, census.series());
            assertEquals(0, census.devices());
            assertEquals(0, census.metricsOfFullestDevice());
            assertEquals(SeriesCensus.ADMITTED, census.admit(series("b/t"), seenSeconds + LIFETIME_S + 8));
        }
    }

    @Test
    void aSeriesThatSendsIsNotForgottenAndItsSilentSiblingIs() {
        SeriesCensus census = alone(2, MANY, MANY);
        census.admit(series("a/t"), NOW_S);
        census.admit(series("a/h"), NOW_S);
        for (int s = 0; s <= 3 * LIFETIME_S; s += 100) {
            census.admit(series("a/t"), NOW_S + s);
            census.forget(NOW_S + s);
        }
        assertEquals(1, census.series());
        assertEquals(1, census.devices());
        assertEquals(1, census.metricsOfFullestDevice());
    }

    @Test
    void aClockThatIsSetBackForgetsNothingAndATimeThatWasAheadDoesNotLast() {
        SeriesCensus census = alone(MANY, MANY, MANY);
        census.admit(series("a/t"), NOW_S + 100 * LIFETIME_S);
        census.forget(NOW_S);
        assertEquals(1, census.series());
        SeriesCensus restored = alone(MANY, MANY, MANY);
        restored.restore(List.of(census.snapshot(0)), NOW_S);
        assertEquals(1, restored.series());
        restored.forget(NOW_S + LIFETIME_S + 8);
        assertEquals(0, restored.series());
    }

    @Test
    void aSeriesThatSentBeforeAndAfterTheClockWasSetBackIsForgottenByTheNewTime() {
        SeriesCensus census = alone(MANY, MANY, MANY);
        census.admit(series("a/t"), NOW_S);
        census.admit(series("a/t"), NOW_S - 1000);
        census.forget(NOW_S - 1000 + LIFETIME_S + 8);
        assertEquals(0, census.series());
    }

    @Test
    void timesBeyondTheYear2038AreTimes() {
        int later = (int) 3_000_000_000L;
        SeriesCensus census = alone(MANY, MANY, MANY);
        census.admit(series("a/t"), later);
        census.forget(later + LIFETIME_S);
        assertEquals(1, census.series());
        census.forget(later + LIFETIME_S + 8);
        assertEquals(0, census.series());
    }

    @Test
    void whatIsSilentIsForgottenWhenStateIsRestoredLater() {
        SeriesCensus census = alone(MANY, MANY, MANY);
        census.admit(series("a/t"), NOW_S);
        census.admit(series("b/t"), NOW_S + LIFETIME_S);
        SeriesCensus restored = alone(MANY, MANY, MANY);
        restored.restore(List.of(census.snapshot(0)), NOW_S + LIFETIME_S + 8);
        assertEquals(1, restored.series());
    }

    @Test
    void aLimitThatWasLoweredLeavesKnownSeriesIn() {
        SeriesCensus before = alone(MANY, MANY, MANY);
        admitAll(before, "a/t", "b/t", "c/t");
        SeriesCensus after = alone(1, MANY, MANY);
        after.restore(List.of(before.snapshot(0)), NOW_S);
        assertEquals(List.of(-1, -1, -1, 0), admitAll(after, "a/t", "b/t", "c/t", "d/t"));
        assertEquals(3, after.series());
    }

    @Test
    void itSaysWhatAPlainListOfSeriesSays() {
        Random random = new Random(7);
        SeriesCensus census = alone(400, 40, 12);
        Map<String, Integer> expected = new HashMap<>();
        int nowS = NOW_S;
        int[] said = new int[4];
        for (int number = 0; number < 15_000; number++) {
            nowS += 4 * random.nextInt(3); // whole steps, in which nothing is rounded
            String device = "device-" + random.nextInt(60);
            String series = device + "/metric " + random.nextInt(40);
            int found = census.admit(series(series), nowS);
            assertEquals(plainly(expected, device, series, nowS), found);
            said[1 + found]++;
            if (number % 997 == 0) {
                int atS = nowS;
                expected.values().removeIf(seenSeconds -> atS - seenSeconds > LIFETIME_S + 3);
                census.forget(nowS);
            }
            if (number % 4985 == 0) {
                byte[] state = census.snapshot(0);
                census = alone(400, 40, 12);
                census.restore(List.of(state), nowS);
            }
            assertEquals(expected.size(), census.series());
        }
        for (int n : said) {
            assertTrue(n > 100, "each answer is among them");
        }
    }

    private static int plainly(Map<String, Integer> known, String device, String series, int nowS) {
        if (!known.containsKey(series)) {
            Set<String> devices = new HashSet<>();
            known.keySet().forEach(each -> devices.add(each.split("/")[0]));
            long metrics = known.keySet().stream()
                    .filter(each -> each.startsWith(device + "/"))
                    .count();
            if (metrics == 0 && devices.size() >= 40) {
                return SeriesCensus.MAX_DEVICES;
            }
            if (metrics >= 12) {
                return SeriesCensus.MAX_METRICS;
            }
            if (known.size() >= 400) {
                return SeriesCensus.MAX_SERIES;
            }
        }
        known.put(series, nowS);
        return SeriesCensus.ADMITTED;
    }

    @Test
    void afterARescaleEverySubtaskKnowsEverySeriesAndNoneIsCountedTwice() {
        List<SeriesCensus> job = List.of(alone(1000, MANY, MANY));
        for (int number = 0; number < 900; number++) {
            job.get(0).admit(device(number), NOW_S);
        }
        for (int parallelism : new int[] {3, 3, 2, 5, 1}) {
            job = restored(job, parallelism, 1000);
            for (SeriesCensus subtask : job) {
                assertEquals(900, subtask.series());
                assertEquals(900, subtask.devices());
            }
            // Only some arrive, and each at a subtask that may not have had it before; the others are not lost either.
            for (int number = 0; number < 600; number++) {
                int found = job.get((number * 7 + parallelism) % parallelism).admit(device(number), NOW_S);
                assertEquals(SeriesCensus.ADMITTED, found);
            }
            for (SeriesCensus subtask : job) {
                assertEquals(900, subtask.series());
            }
        }
    }

    @Test
    void whatIsLeftUpToTheLimitIsSharedAfterARestart() {
        SeriesCensus before = alone(1000, MANY, MANY);
        for (int number = 0; number < 900; number++) {
            before.admit(device(number), NOW_S);
        }
        List<SeriesCensus> job = restored(List.of(before), 4, 1000);
        for (SeriesCensus subtask : job) {
            assertEquals(25, admitted(subtask, 1000, 2000));
        }
        for (SeriesCensus subtask : restored(job, 2, 1000)) {
            // Each subtask of before admitted the same 25.
            assertEquals(925, subtask.series());
        }
    }

    @Test
    void subtasksThatStartWithoutStateShareTheLimitAndAlsoWhenTheSeriesOfOthersAreForgotten() {
        List<SeriesCensus> job = List.of(subtask(100, 2), subtask(100, 2));
        assertEquals(50, admitted(job.get(0), 0, 80));
        assertEquals(50, admitted(job.get(1), 100, 180));
        job = restored(job, 2, 100);
        int laterS = NOW_S + LIFETIME_S;
        for (int number = 0; number < 50; number++) {
            job.get(0).admit(device(number), laterS);
        }
        job.get(0).forget(laterS + 8);
        assertEquals(100, job.get(0).series());
        assertEquals(SeriesCensus.MAX_SERIES, job.get(0).admit(device(999), laterS + 8));
    }

    @Test
    void aSubtaskThatSeesMoreThanItsPartTakesTheOthersToHaveAsMany() {
        SeriesCensus before = alone(100, MANY, MANY);
        admitAll(before, "a/t", "a/h", "b/t");
        SeriesCensus census = restored(List.of(before), 2, 100).get(0);
        assertEquals(3, census.series());
        assertEquals(2, census.devices());
        admitAll(census, "a/t", "a/t", "b/t");
        assertEquals(4, census.series());
        assertEquals(4, census.devices());
        admitAll(census, "b/h");
        assertEquals(6, census.series());
        assertEquals(4, census.devices());
    }

    @Test
    void theNewestTimeOfAllSubtasksCounts() {
        SeriesCensus early = subtask(100, 2);
        SeriesCensus late = subtask(100, 2);
        early.admit(device(1), NOW_S);
        late.admit(device(1), NOW_S + LIFETIME_S);
        for (List<byte[]> state : List.of(
                List.of(early.snapshot(0), late.snapshot(1)), List.of(late.snapshot(1), early.snapshot(0)))) {
            SeriesCensus restored = subtask(100, 2);
            restored.restore(state, NOW_S + LIFETIME_S);
            restored.forget(NOW_S + LIFETIME_S + 8);
            assertEquals(1, restored.series());
        }
    }

    @Test
    void aSeriesIsItsDeviceAndItsMetricAndNothingElseOfAnIdentity() {
        assertEquals(key("a", "t\0001"), key("a", "t\0002"));
        assertEquals(key("a", "t"), key("a", "t\0002"));
        assertNotEquals(key("a", "t"), key("a", "u"));
        assertNotEquals(key("at", "t"), key("a", "tt"));
        assertEquals(SeriesKey.deviceOf(key("a", "t")), SeriesKey.deviceOf(key("a", "u")));
        assertNotEquals(SeriesKey.deviceOf(key("a", "t")), SeriesKey.deviceOf(key("b", "t")));
        assertNotEquals(0, key("", ""));
    }

    @Test
    void ofAFleetNoTwoDevicesAndFewMetricsHaveTheSameNumber() {
        Set<Long> devices = new HashSet<>();
        Set<Long> series = new HashSet<>();
        int n = 0;
        for (int device = 0; device < 1000; device++) {
            for (int metric = 0; metric < 1000; metric++) {
                // Names of all lengths, that differ in one character.
                String name = "x".repeat(device % 30) + device + "y".repeat(metric % 20);
                long key = key(name, "z".repeat(metric % 40) + metric);
                devices.add(SeriesKey.deviceOf(key));
                series.add(key);
                n++;
            }
        }
        assertEquals(1000 * 20, devices.size());
        assertTrue(n - series.size() < 10, () -> "series that are counted as one");
    }

    private static SeriesCensus alone(int maxSeries, int maxDevices, int maxMetrics) {
        return new SeriesCensus(maxSeries, maxDevices, maxMetrics, LIFETIME_S, 1);
    }

    private static SeriesCensus subtask(int maxSeries, int parallelism) {
        return new SeriesCensus(maxSeries, MANY, MANY, LIFETIME_S, parallelism);
    }

    private static List<SeriesCensus> restored(List<SeriesCensus> job, int parallelism, int maxSeries) {
        List<byte[]> state = new ArrayList<>();
        for (SeriesCensus subtask : job) {
            state.add(subtask.snapshot(state.size()));
        }
        List<SeriesCensus> restored = new ArrayList<>();
        for (int subtask = 0; subtask < parallelism; subtask++) {
            restored.add(subtask(maxSeries, parallelism));
            restored.get(subtask).restore(state, NOW_S);
        }
        return restored;
    }

    private static int admitted(SeriesCensus census, int start, int end) {
        int n = 0;
        for (int number = start; number < end; number++) {
            n += census.admit(device(number), NOW_S) == SeriesCensus.ADMITTED ? 1 : 0;
        }
        return n;
    }

    private static List<Integer> admitAll(SeriesCensus census, String... series) {
        List<Integer> found = new ArrayList<>();
        for (String each : series) {
            found.add(census.admit(series(each), NOW_S));
        }
        return found;
    }

    /** Of a device that has one metric. */
    private static long device(int number) {
        return key("device-" + number, "temperature");
    }

    /** `device/metric`. */
    private static long series(String of) {
        return key(of.split("/")[0], of.split("/")[1]);
    }

    private static long key(String device, String identity) {
        return SeriesKey.of(device.getBytes(StandardCharsets.UTF_8), identity.getBytes(StandardCharsets.UTF_8));
    }
}
