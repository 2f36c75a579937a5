import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.nio.file.attribute.BasicFileAttributes;
import java.security.MessageDigest;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;
import org.apache.flink.streaming.api.graph.StreamConfig;
import org.apache.flink.streaming.api.operators.AbstractStreamOperator;
import org.apache.flink.streaming.api.operators.OneInputStreamOperator;
import org.apache.flink.streaming.api.operators.Output;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.streaming.runtime.tasks.ProcessingTimeService;
import org.apache.flink.streaming.runtime.tasks.StreamTask;
import org.apache.flink.table.data.GenericRowData;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.data.StringData;
import org.apache.flink.table.data.binary.BinaryStringData;
import org.apache.flink.table.data.utils.JoinedRowData;

/**
 * Puts behind each row the pseudonym of the user whom its first column names; NULL behind a row that names nobody.
 *
 * What connectors/pseudonym_key.py makes, from the same file, which is looked at once a second. Without a key there is
 * no answer that would not be wrong for ever: the job fails, and Flink starts it again. Compiled by Janino
 * (jobs/operators/java_stage.py), hence neither generics nor lambdas.
 */
public class Pseudonymise extends AbstractStreamOperator implements OneInputStreamOperator {

    private static final String TITLE = "headrace pseudonym key 1";
    private static final int DEPTH = 40;
    private static final int MOST_REMEMBERED = 100000;
    private static final long LOOK_EVERY_MS = 1000;

    private final Path path;
    private final Map nodes = new HashMap();
    private final Map remembered = new HashMap();
    private String seen = "";
    private long lookedAt = 0;
    private transient MessageDigest sha256;
    private transient Mac hmac;

    /** references: the file of the key; what is no absolute path is below HEADRACE_HOME of the TaskManager. */
    public Pseudonymise(
            Object[] references, StreamTask task, StreamConfig config, Output output, ProcessingTimeService time)
            throws Exception {
        String home = System.getenv("HEADRACE_HOME");
        path = Paths.get(home == null ? ".headrace" : home).resolve((String) references[0]);
        this.setup(task, config, output);
        this.setProcessingTimeService(time);
    }

    @Override
    public void open() throws Exception {
        super.open();
        sha256 = MessageDigest.getInstance("SHA-256");
        hmac = Mac.getInstance("HmacSHA256");
        look();
    }

    @Override
    public void processElement(StreamRecord element) throws Exception {
        if (System.currentTimeMillis() - lookedAt >= LOOK_EVERY_MS) {
            look();
        }
        RowData row = (RowData) element.getValue();
        GenericRowData pseudonym = new GenericRowData(1);
        if (!row.isNullAt(0)) {
            pseudonym.setField(0, of(row.getString(0)));
        }
        JoinedRowData both = new JoinedRowData(row, pseudonym);
        both.setRowKind(row.getRowKind());
        output.collect(element.replace(both));
    }

    private StringData of(StringData user) throws Exception {
        Object known = remembered.get(user);
        if (known == null) {
            if (remembered.size() >= MOST_REMEMBERED) {
                remembered.clear();
            }
            byte[] id = user.toBytes();
            hmac.init(new SecretKeySpec(leaf(id), "HmacSHA256"));
            byte[] whole = hmac.doFinal(id);
            known = BinaryStringData.fromString(HexFormat.of().formatHex(whole, 0, 16));
            remembered.put(BinaryStringData.fromString(user.toString()), known);
        }
        return (StringData) known;
    }

    /** The key of the user's first leaf that is not destroyed. */
    private byte[] leaf(byte[] user) {
        for (int generation = 0; ; generation++) {
            for (int shift = 24; shift >= 0; shift -= 8) {
                sha256.update((byte) (generation >>> shift));
            }
            byte[] place = sha256.digest(user);
            StringBuilder way = new StringBuilder();
            for (int turn = 0; turn < DEPTH; turn++) {
                way.append((place[turn / 8] >> (7 - turn % 8) & 1) == 1 ? '1' : '0');
            }
            for (int depth = 0; depth <= DEPTH; depth++) {
                byte[] node = (byte[]) nodes.get(way.substring(0, depth));
                if (node != null) {
                    for (int turn = depth; turn < DEPTH; turn++) {
                        sha256.update(node);
                        node = sha256.digest(new byte[] {(byte) way.charAt(turn)});
                    }
                    return node;
                }
            }
        }
    }

    private void look() throws IOException {
        lookedAt = System.currentTimeMillis();
        try {
            BasicFileAttributes file = Files.readAttributes(path, BasicFileAttributes.class);
            String now = file.lastModifiedTime() + " " + file.fileKey();
            if (!now.equals(seen)) {
                read();
                seen = now;
            }
        } catch (NoSuchFileException error) {
            throw new IOException("There is no key for pseudonyms in " + path + ". Make it:  headrace up", error);
        }
    }

    private void read() throws IOException {
        List lines = Files.readAllLines(path, StandardCharsets.US_ASCII);
        if (lines.size() < 2 || !TITLE.equals(lines.get(0))) {
            throw new IOException(path + " is no key for pseudonyms");
        }
        nodes.clear();
        remembered.clear();
        for (int number = 1; number < lines.size(); number++) {
            String line = (String) lines.get(number);
            int space = line.indexOf(' ');
            if (space < 1) {
                throw new IOException(path + " is no key for pseudonyms: line " + (number + 1) + " is no node");
            }
            String way = line.substring(0, space);
            nodes.put("-".equals(way) ? "" : way, HexFormat.of().parseHex(line.substring(space + 1)));
        }
    }
}
