package io.headrace.flink;

import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;
import org.apache.flink.table.annotation.DataTypeHint;
import org.apache.flink.table.functions.ScalarFunction;

/** {@code MAP_OF_FRAME(frame)}: the MAP of text to BYTES that {@link FieldEncoder} wrote into a frame. */
public class MapOfFrameFunction extends ScalarFunction {

    private static final long serialVersionUID = 1L;

    /** NULL for NULL. Throws IllegalArgumentException for bytes that are no frame. */
    public @DataTypeHint("MAP<STRING, BYTES>") Map<String, byte[]> eval(byte[] frame) {
        if (frame == null) {
            return null;
        }
        Map<String, byte[]> map = new LinkedHashMap<>();
        for (FrameReader entries = new FrameReader(frame); entries.hasNext(); ) {
            String key = new String(entries.next(), StandardCharsets.UTF_8);
            map.put(key, entries.next());
        }
        return map;
    }
}
