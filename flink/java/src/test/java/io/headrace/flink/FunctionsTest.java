package io.headrace.flink;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.apache.flink.types.Row;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FunctionsTest {

    private static final String NODE = "00".repeat(32);

    @TempDir
    Path folder;

    private long nowMs = 0;

    @Test
    void pseudonymsAreThoseOfPython() throws Exception {
        PseudonymKey key = new PseudonymKey(GatherAndScatterTest.linesOf("pseudonym-key.txt"));
        List<String> made = new ArrayList<>();
        List<String> expected = GatherAndScatterTest.linesOf("pseudonyms.txt");
        for (String line : expected) {
            String user = line.substring(line.indexOf(' ') + 1);
            made.add(key.pseudonym(user) + " " + user);
        }
        assertEquals(expected, made);
        assertEquals(12, made.size());
    }

    @Test
    void nobodyHasNoPseudonymAndAUserHasOneOfThirtyTwoDigits() throws Exception {
        PseudonymFunction function = opened(fileOf("- " + NODE));
        assertNull(function.eval(null, ""));
        assertEquals("f36839f32dfa96d0b97f7631311ef2c3", function.eval("ann", ""));
        assertEquals("f36839f32dfa96d0b97f7631311ef2c3", function.eval("ann", ""));
    }

    @Test
    void aKeyThatWasReplacedIsUsedFromTheNextLookOn() throws Exception {
        Path file = fileOf("- " + NODE);
        PseudonymFunction function = opened(file);
        String before = function.eval("ann", "");
        Path next = folder.resolve("next");
        Files.writeString(next, textOf("- " + "11".repeat(32)));
        Files.move(next, file, java.nio.file.StandardCopyOption.REPLACE_EXISTING);
        nowMs = 999;
        assertEquals(before, function.eval("ann", ""));
        nowMs = 1000;
        assertTrue(!before.equals(function.eval("ann", "")));
    }

    @Test
    void withoutAKeyTheFunctionFailsAndSaysWhatToDo() {
        IOException error = assertThrows(IOException.class, () -> opened(folder.resolve("none")));
        assertTrue(error.getMessage().endsWith("Make it:  headrace up"), error.getMessage());
    }

    @Test
    void aFileThatIsNoKeyFailsAndNothingOfItIsInTheMessage() throws Exception {
        for (String text : new String[] {
            "", "secret\n", textOf(""), textOf("secret"), textOf("- " + NODE + "secret"), textOf("2 " + NODE), "\u00ff"
        }) {
            Path file = folder.resolve("key");
            Files.writeString(file, text);
            IOException error = assertThrows(IOException.class, () -> opened(file));
            assertTrue(error.getMessage().contains("is no key for pseudonyms"), error.getMessage());
            assertTrue(!error.getMessage().contains("secret"), error.getMessage());
        }
    }

    @Test
    void theLatestRecordIsTheLastThatIsNotNull() {
        LatestRecordFunction function = new LatestRecordFunction();
        LatestRecordFunction.Latest latest = function.createAccumulator();
        assertEquals(Row.of(null, null, null), function.getValue(latest));
        function.accumulate(latest, 1, 17L, "a".getBytes(StandardCharsets.UTF_8));
        function.accumulate(latest, 2, 18L, null);
        assertEquals(17L, function.getValue(latest).getField(1));
        function.accumulate(latest, 2, 19L, new byte[0]);
        Row found = function.getValue(latest);
        assertEquals(2, found.getField(0));
        assertEquals(19L, found.getField(1));
        assertArrayEquals(new byte[0], (byte[]) found.getField(2));
    }

    private PseudonymFunction opened(Path file) throws Exception {
        PseudonymFunction function = new PseudonymFunction(file.toString());
        function.open(file, () -> nowMs);
        return function;
    }

    private Path fileOf(String node) throws IOException {
        Path file = folder.resolve("key");
        Files.writeString(file, textOf(node));
        return file;
    }

    private static String textOf(String node) {
        return "headrace pseudonym key 1\n" + node + "\n";
    }
}
