package io.headrace.flink;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import java.util.stream.Collectors;
import org.apache.flink.api.common.typeutils.base.LongSerializer;
import org.apache.flink.runtime.checkpoint.OperatorSubtaskState;
import org.apache.flink.streaming.api.watermark.Watermark;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.streaming.util.AbstractStreamOperatorTestHarness;
import org.apache.flink.streaming.util.OneInputStreamOperatorTestHarness;
import org.junit.jupiter.api.Test;

/** What stands behind the operator: `5` for a record, `<9>` for a watermark. */
class RememberWatermarkOperatorTest {

    private static final int MAX_PARALLELISM = 8;

    @Test
    void recordsAndWatermarksPassAndNoLowerWatermarkFollows() throws Exception {
        try (var operator = subtask(1, 0)) {
            operator.open();
            operator.processElement(new StreamRecord<>(5L));
            operator.processWatermark(9);
            operator.processWatermark(7);
            operator.processElement(new StreamRecord<>(6L));
            operator.processWatermark(11);
            assertEquals(List.of("5", "<9>", "6", "<11>"), emitted(operator));
        }
    }

    @Test
    void withoutStateNothingStandsBeforeTheFirstRecord() throws Exception {
        try (var operator = subtask(1, 0)) {
            operator.initializeEmptyState();
            operator.open();
            operator.processElement(new StreamRecord<>(5L));
            assertEquals(List.of("5"), emitted(operator));
        }
    }

    @Test
    void theWatermarkOfBeforeStandsBeforeTheFirstRecordAfterARestart() throws Exception {
        OperatorSubtaskState kept = stateAt(1, 0, 9);
        try (var operator = subtask(1, 0)) {
            operator.initializeState(kept);
            operator.open();
            assertEquals(List.of(), emitted(operator));
            operator.processWatermark(4);
            operator.processElement(new StreamRecord<>(5L));
            operator.processElement(new StreamRecord<>(6L));
            operator.processWatermark(12);
            assertEquals(List.of("<9>", "5", "6", "<12>"), emitted(operator));
        }
    }

    @Test
    void aHigherWatermarkTakesThePlaceOfTheOneOfBefore() throws Exception {
        try (var operator = subtask(1, 0)) {
            operator.initializeState(stateAt(1, 0, 9));
            operator.open();
            operator.processWatermark(10);
            operator.processElement(new StreamRecord<>(5L));
            assertEquals(List.of("<10>", "5"), emitted(operator));
        }
    }

    @Test
    void allSubtasksGoOnWithTheLowestOfAllAlsoWhenTheirNumberChanges() throws Exception {
        OperatorSubtaskState kept =
                AbstractStreamOperatorTestHarness.repackageState(stateAt(2, 0, 30), stateAt(2, 1, 20));
        for (int subtask = 0; subtask < 3; subtask++) {
            try (var operator = subtask(3, subtask)) {
                operator.initializeState(AbstractStreamOperatorTestHarness.repartitionOperatorState(
                        kept, MAX_PARALLELISM, 2, 3, subtask));
                operator.open();
                operator.processElement(new StreamRecord<>(5L));
                assertEquals(List.of("<20>", "5"), emitted(operator));
            }
        }
    }

    @Test
    void theEndOfAllInputIsNotRemembered() throws Exception {
        try (var operator = subtask(1, 0)) {
            operator.initializeState(stateAt(1, 0, Watermark.MAX_WATERMARK.getTimestamp()));
            operator.open();
            operator.processElement(new StreamRecord<>(5L));
            assertEquals(List.of("5"), emitted(operator));
        }
    }

    private static OperatorSubtaskState stateAt(int parallelism, int subtask, long watermark) throws Exception {
        try (var operator = subtask(parallelism, subtask)) {
            operator.open();
            operator.processWatermark(watermark);
            return operator.snapshot(1, 1);
        }
    }

    private static OneInputStreamOperatorTestHarness<Long, Long> subtask(int parallelism, int subtask)
            throws Exception {
        var harness = new OneInputStreamOperatorTestHarness<Long, Long>(
                new RememberWatermarkOperator<>(), MAX_PARALLELISM, parallelism, subtask);
        harness.setup(LongSerializer.INSTANCE);
        return harness;
    }

    private static List<String> emitted(OneInputStreamOperatorTestHarness<Long, Long> operator) {
        return operator.getOutput().stream()
                .map(each -> each instanceof Watermark
                        ? "<" + ((Watermark) each).getTimestamp() + ">"
                        : String.valueOf(((StreamRecord<?>) each).getValue()))
                .collect(Collectors.toList());
    }
}
