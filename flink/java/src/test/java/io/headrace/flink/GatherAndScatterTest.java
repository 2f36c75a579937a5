package io.headrace.flink;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.Collectors;
import org.apache.flink.streaming.api.operators.OneInputStreamOperator;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.streaming.util.OneInputStreamOperatorTestHarness;
import org.apache.flink.table.data.GenericMapData;
import org.apache.flink.table.data.GenericRowData;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.data.StringData;
import org.apache.flink.table.data.TimestampData;
import org.apache.flink.table.runtime.typeutils.InternalSerializers;
import org.apache.flink.table.types.logical.BigIntType;
import org.apache.flink.table.types.logical.BooleanType;
import org.apache.flink.table.types.logical.DoubleType;
import org.apache.flink.table.types.logical.IntType;
import org.apache.flink.table.types.logical.LocalZonedTimestampType;
import org.apache.flink.table.types.logical.LogicalType;
import org.apache.flink.table.types.logical.MapType;
import org.apache.flink.table.types.logical.RowType;
import org.apache.flink.table.types.logical.VarBinaryType;
import org.apache.flink.table.types.logical.VarCharType;
import org.apache.flink.util.StringUtils;
import org.junit.jupiter.api.Test;

class GatherAndScatterTest {

    private static final LogicalType BYTES = new VarBinaryType(VarBinaryType.MAX_LENGTH);
    private static final RowType FRAMES = RowType.of(new IntType(), BYTES);
    private static final RowType RECORDS = RowType.of(BYTES, BYTES);
    private static final long MAX_WAIT_MS = 100;
    private static final int MAX_BYTES = 1024;

    @Test
    void recordsWaitForTheTimerAndEachBucketHasAFrameOfItsOwn() throws Exception {
        try (var gather = gather(3)) {
            gather.processElement(record(2, "a"));
            gather.processElement(record(0, "b"));
            gather.processElement(record(2, "c"));
            assertEquals(List.of(), framesOf(gather));
            gather.setProcessingTime(MAX_WAIT_MS - 1);
            assertEquals(List.of(), framesOf(gather));
            gather.setProcessingTime(MAX_WAIT_MS);
            assertEquals(List.of("0 [b]", "2 [a, c]"), framesOf(gather));
        }
    }

    @Test
    void theTimerIsSetAgainByTheNextRecord() throws Exception {
        try (var gather = gather(1)) {
            gather.processElement(record(0, "a"));
            gather.setProcessingTime(MAX_WAIT_MS);
            gather.setProcessingTime(5 * MAX_WAIT_MS);
            gather.processElement(record(0, "b"));
            gather.setProcessingTime(6 * MAX_WAIT_MS);
            assertEquals(List.of("0 [a]", "0 [b]"), framesOf(gather));
        }
    }

    @Test
    void allIsEmittedBeforeTheBarrierAndTheSnapshotHoldsNothing() throws Exception {
        try (var gather = gather(2)) {
            gather.processElement(record(1, "a"));
            gather.processElement(record(0, "b"));
            gather.getOperator().prepareSnapshotPreBarrier(1);
            assertEquals(List.of("0 [b]", "1 [a]"), framesOf(gather));
            assertEquals(0, gather.snapshot(1, 1).getStateSize());
            gather.getOperator().prepareSnapshotPreBarrier(2);
            assertEquals(2, gather.getOutput().size());
        }
    }

    @Test
    void allIsEmittedWhenTheInputEnds() throws Exception {
        try (var gather = gather(1)) {
            gather.processElement(record(0, "a"));
            gather.endInput();
            gather.getOperator().finish();
            assertEquals(List.of("0 [a]"), framesOf(gather));
        }
    }

    @Test
    void eachBucketHasATickBehindItsRecordsWhetherRecordsComeOrNot() throws Exception {
        var columns = List.of(FieldEncoder.of(BYTES, 1));
        var ticking = new GatherMicroBatchesOperator(columns, 2, 3 * MAX_WAIT_MS, MAX_BYTES, 2 * MAX_WAIT_MS);
        try (var gather = harness(ticking, FRAMES)) {
            gather.processElement(record(1, "a"));
            gather.setProcessingTime(2 * MAX_WAIT_MS);
            assertEquals(List.of("1 [a]", "0 []", "1 []"), framesOf(gather));
            gather.setProcessingTime(4 * MAX_WAIT_MS);
            assertEquals(List.of("1 [a]", "0 []", "1 []", "0 []", "1 []"), framesOf(gather));
        }
    }

    @Test
    void onlyTheFirstSubtaskTicks() throws Exception {
        var ticking = new GatherMicroBatchesOperator(
                List.of(FieldEncoder.of(BYTES, 1)), 2, MAX_WAIT_MS, MAX_BYTES, MAX_WAIT_MS);
        try (var gather = new OneInputStreamOperatorTestHarness<RowData, RowData>(ticking, 4, 4, 1)) {
            gather.setup(InternalSerializers.create(FRAMES));
            gather.open();
            gather.setProcessingTime(10 * MAX_WAIT_MS);
            assertEquals(List.of(), framesOf(gather));
        }
    }

    @Test
    void aFullBucketDoesNotWaitAndARecordLargerThanABucketIsAFrame() throws Exception {
        String large = "x".repeat(8 * 1024 * 1024);
        try (var gather = gather(2)) {
            gather.processElement(record(0, "a"));
            gather.processElement(record(1, large));
            assertEquals(List.of("1 [" + large + "]"), framesOf(gather));
            gather.processElement(record(0, "y".repeat(MAX_BYTES)));
            assertEquals(2, gather.getOutput().size());
        }
    }

    @Test
    void columnsAreFieldsAndNullIsNotEmpty() throws Exception {
        List<FieldEncoder> encoders = new ArrayList<>();
        List<LogicalType> types = List.of(
                BYTES,
                new VarCharType(VarCharType.MAX_LENGTH),
                new IntType(),
                new BigIntType(),
                new BooleanType(),
                new LocalZonedTimestampType(3));
        for (LogicalType type : types) {
            encoders.add(FieldEncoder.of(type, encoders.size() + 1));
        }
        try (var gather = harness(new GatherMicroBatchesOperator(encoders, 1, MAX_WAIT_MS, MAX_BYTES, 0), FRAMES)) {
            TimestampData time = TimestampData.fromEpochMillis(1_719_800_000_123L);
            gather.processElement(new StreamRecord<>(
                    GenericRowData.of(0, new byte[0], StringData.fromString("Zoë"), -1, Long.MIN_VALUE, true, time)));
            gather.processElement(new StreamRecord<>(GenericRowData.of(0, null, null, null, null, null, null)));
            gather.setProcessingTime(MAX_WAIT_MS);
            FrameReader fields = new FrameReader(rowsOf(gather).get(0).getBinary(1));
            assertArrayEquals(new byte[0], fields.next());
            assertArrayEquals("Zoë".getBytes(StandardCharsets.UTF_8), fields.next());
            assertArrayEquals(new byte[] {-1, -1, -1, -1, -1, -1, -1, -1}, fields.next());
            assertArrayEquals(new byte[] {-128, 0, 0, 0, 0, 0, 0, 0}, fields.next());
            assertArrayEquals(new byte[] {1}, fields.next());
            assertEquals(1_719_800_000_123L, ByteBuffer.wrap(fields.next()).getLong());
            for (int column = 0; column < types.size(); column++) {
                assertNull(fields.next());
            }
            assertEquals(false, fields.hasNext());
        }
    }

    @Test
    void aColumnThatAFrameDoesNotHoldIsRefusedWhenTheJobIsPlanned() {
        VarCharType text = new VarCharType(VarCharType.MAX_LENGTH);
        assertThrows(IllegalArgumentException.class, () -> FieldEncoder.of(new DoubleType(), 1));
        assertThrows(IllegalArgumentException.class, () -> FieldEncoder.of(new LocalZonedTimestampType(6), 1));
        assertThrows(IllegalArgumentException.class, () -> FieldEncoder.of(new MapType(text, text), 1));
        assertThrows(IllegalArgumentException.class, () -> FieldDecoder.of(text));
    }

    @Test
    void aMapIsAFrameOfItsKeysAndValuesAndItsFunctionReadsItBack() {
        MapType headers = new MapType(new VarCharType(VarCharType.MAX_LENGTH), BYTES);
        Map<StringData, byte[]> sent = new LinkedHashMap<>();
        sent.put(StringData.fromString("größe"), new byte[] {1, 2});
        sent.put(StringData.fromString("none"), null);
        sent.put(StringData.fromString(""), new byte[0]);
        byte[] frame = FieldEncoder.of(headers, 0).encode(GenericRowData.of(new GenericMapData(sent)));
        Map<String, byte[]> read = new MapOfFrameFunction().eval(frame);
        assertEquals(List.of("größe", "none", ""), new ArrayList<>(read.keySet()));
        assertArrayEquals(new byte[] {1, 2}, read.get("größe"));
        assertNull(read.get("none"));
        assertArrayEquals(new byte[0], read.get(""));
        assertEquals(Map.of(), new MapOfFrameFunction().eval(new FrameWriter().take()));
        assertNull(new MapOfFrameFunction().eval(null));
    }

    @Test
    void numbersAreScatteredAsTheyWereWritten() throws Exception {
        RowType rows = RowType.of(BYTES, new DoubleType(), new BigIntType(), new BooleanType());
        List<FieldDecoder> columns =
                rows.getChildren().stream().map(FieldDecoder::of).collect(Collectors.toList());
        FrameWriter frame = new FrameWriter();
        for (double number : new double[] {21.4, -0.0, Double.MIN_VALUE}) {
            frame.add(null);
            frame.add(ByteBuffer.allocate(8).putDouble(number).array());
            frame.add(ByteBuffer.allocate(8).putLong(Long.MIN_VALUE).array());
            frame.add(new byte[] {(byte) (number > 0 ? 1 : 0)});
        }
        frame.add(new byte[0]);
        frame.add(null);
        frame.add(null);
        frame.add(null);
        try (var scatter = harness(new ScatterRecordsOperator(columns), rows)) {
            scatter.processElement(new StreamRecord<>(GenericRowData.of((Object) frame.take())));
            List<RowData> records = rowsOf(scatter);
            assertEquals(4, records.size());
            assertEquals(21.4, records.get(0).getDouble(1));
            assertEquals(Double.MIN_VALUE, records.get(2).getDouble(1));
            assertEquals(Long.MIN_VALUE, records.get(0).getLong(2));
            assertEquals(true, records.get(0).getBoolean(3));
            assertEquals(false, records.get(1).getBoolean(3));
            assertEquals(true, records.get(0).isNullAt(0));
            assertEquals(true, records.get(3).isNullAt(1) && records.get(3).isNullAt(2));
        }
    }

    @Test
    void aFrameIsScatteredIntoTheRecordsThatWereWritten() throws Exception {
        Random random = new Random(7);
        List<byte[]> written = new ArrayList<>();
        FrameWriter frame = new FrameWriter();
        for (int number = 0; number < 2_000; number++) {
            byte[] field = random.nextInt(10) == 0 ? null : new byte[random.nextInt(number == 77 ? 5_000_000 : 300)];
            if (field != null) {
                random.nextBytes(field);
            }
            written.add(field);
            frame.add(field);
        }
        var columns = List.of(FieldDecoder.of(BYTES), FieldDecoder.of(BYTES));
        try (var scatter = harness(new ScatterRecordsOperator(columns), RECORDS)) {
            scatter.processElement(new StreamRecord<>(GenericRowData.of((Object) frame.take())));
            scatter.processElement(new StreamRecord<>(GenericRowData.of((Object) frame.take())));
            List<RowData> records = rowsOf(scatter);
            assertEquals(written.size(), 2 * records.size());
            for (int number = 0; number < records.size(); number++) {
                assertArrayEquals(written.get(2 * number), bytesOf(records.get(number), 0));
                assertArrayEquals(written.get(2 * number + 1), bytesOf(records.get(number), 1));
            }
        }
    }

    @Test
    void bytesThatAreNoFrameAreRefused() {
        for (String bytes : List.of("", "00", "c0", "91", "9000", "dc", "dc00", "dd7fffffff", "ddffffffff")) {
            assertThrows(IllegalArgumentException.class, () -> new FrameReader(StringUtils.hexStringToByte(bytes)));
        }
        for (String bytes : List.of("9100", "91a161", "91c0c0", "91c40209", "91c5", "91c67fffffff", "91c6ffffffff")) {
            FrameReader reader = new FrameReader(StringUtils.hexStringToByte(bytes));
            assertThrows(IllegalArgumentException.class, reader::next);
        }
        FrameReader empty = new FrameReader(new FrameWriter().take());
        assertThrows(IllegalArgumentException.class, empty::next);
    }

    @Test
    void framesAreThoseOfPython() throws Exception {
        int frames = 0;
        for (String line : linesOf("frames.txt")) {
            String[] words = line.split(" ");
            FrameWriter writer = new FrameWriter();
            for (int word = 1; word < words.length; word++) {
                writer.add(fieldOf(words[word]));
            }
            byte[] frame = writer.take();
            assertEquals(words[0], StringUtils.byteToHexString(frame));
            FrameReader reader = new FrameReader(frame);
            for (int word = 1; word < words.length; word++) {
                assertArrayEquals(fieldOf(words[word]), reader.next());
            }
            assertEquals(false, reader.hasNext());
            frames++;
        }
        assertEquals(8, frames);
    }

    @Test
    void aFrameHoldsFieldsAndRecordsOfAnyNumberAndSize() {
        for (int size : new int[] {0, 255, 256, 65_535, 65_536, 300_000}) {
            FrameWriter writer = new FrameWriter();
            for (int number = 0; number <= size; number++) {
                writer.add(number == size ? new byte[size] : null);
            }
            FrameReader reader = new FrameReader(writer.take());
            for (int number = 0; number < size; number++) {
                assertNull(reader.next());
            }
            assertEquals(size, reader.next().length);
            assertEquals(false, reader.hasNext());
        }
    }

    private static byte[] fieldOf(String word) {
        return word.equals("null") ? null : StringUtils.hexStringToByte(word.equals("empty") ? "" : word);
    }

    /** Of a file that tests in Python read as well. */
    static List<String> linesOf(String resource) throws Exception {
        Path file = Paths.get(GatherAndScatterTest.class.getResource("/" + resource).toURI());
        return Files.readAllLines(file).stream()
                .filter(line -> !line.startsWith("#"))
                .collect(Collectors.toList());
    }

    private static StreamRecord<RowData> record(int bucket, String text) {
        return new StreamRecord<>(GenericRowData.of(bucket, text.getBytes(StandardCharsets.UTF_8)));
    }

    private static OneInputStreamOperatorTestHarness<RowData, RowData> gather(int buckets) throws Exception {
        var columns = List.of(FieldEncoder.of(BYTES, 1));
        return harness(new GatherMicroBatchesOperator(columns, buckets, MAX_WAIT_MS, MAX_BYTES, 0), FRAMES);
    }

    private static OneInputStreamOperatorTestHarness<RowData, RowData> harness(
            OneInputStreamOperator<RowData, RowData> operator, RowType emitted) throws Exception {
        var harness = new OneInputStreamOperatorTestHarness<>(operator);
        harness.setup(InternalSerializers.create(emitted));
        harness.open();
        return harness;
    }

    private static List<RowData> rowsOf(OneInputStreamOperatorTestHarness<RowData, RowData> operator) {
        return operator.extractOutputValues();
    }

    /** `2 [a, c]` for the records a and c of bucket 2. */
    private static List<String> framesOf(OneInputStreamOperatorTestHarness<RowData, RowData> gather) {
        List<String> frames = new ArrayList<>();
        for (RowData row : rowsOf(gather)) {
            List<String> records = new ArrayList<>();
            for (FrameReader fields = new FrameReader(row.getBinary(1)); fields.hasNext(); ) {
                records.add(new String(fields.next(), StandardCharsets.UTF_8));
            }
            frames.add(row.getInt(0) + " " + records);
        }
        return frames;
    }

    private static byte[] bytesOf(RowData row, int column) {
        return row.isNullAt(column) ? null : row.getBinary(column);
    }
}
