package io.headrace.flink;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.nio.file.attribute.BasicFileAttributes;
import java.security.GeneralSecurityException;
import java.util.HashMap;
import java.util.Map;
import java.util.function.LongSupplier;
import org.apache.flink.table.api.ValidationException;
import org.apache.flink.table.functions.FunctionContext;
import org.apache.flink.table.functions.ScalarFunction;
import org.apache.flink.table.functions.SpecializedFunction;
import org.apache.flink.table.functions.UserDefinedFunction;

/**
 * {@code PSEUDONYM(user, 'file')}: what a user is called outside of the customers' table; NULL for nobody.
 *
 * <p>What is not an absolute path is below HEADRACE_HOME of the TaskManager. The file is looked at once a second, since
 * the key of a user may be destroyed while a job runs. Without a key there is no answer that would not be wrong for
 * ever: the job fails, and Flink starts it again.
 */
public class PseudonymFunction extends ScalarFunction implements SpecializedFunction {

    private static final long serialVersionUID = 1L;
    private static final int MAX_REMEMBERED = 100_000;
    private static final long LOOK_EVERY_MS = 1000;

    private final String file;
    private transient LongSupplier clockMs;
    private transient Path path;
    private transient PseudonymKey key;
    private transient Map<String, String> remembered;
    private transient String seen;
    private transient long lookedAtMs;

    /** As SQL registers it; a call knows its file. */
    public PseudonymFunction() {
        this(null);
    }

    PseudonymFunction(String file) {
        this.file = file;
    }

    @Override
    public UserDefinedFunction specialize(SpecializedContext context) {
        return new PseudonymFunction(context.getCallContext()
                .getArgumentValue(1, String.class)
                .orElseThrow(() -> new ValidationException("the file of PSEUDONYM(user, 'file') is a literal")));
    }

    @Override
    public boolean isDeterministic() {
        return false; // the key of a user may be destroyed
    }

    @Override
    public void open(FunctionContext context) throws Exception {
        String home = System.getenv("HEADRACE_HOME");
        open(Paths.get(home == null ? ".headrace" : home).resolve(file), System::currentTimeMillis);
    }

    void open(Path path, LongSupplier clockMs) throws IOException, GeneralSecurityException {
        this.path = path;
        this.clockMs = clockMs;
        remembered = new HashMap<>();
        seen = "";
        look();
    }

    /** The file is that of {@link #specialize}. */
    public String eval(String user, String file) throws IOException, GeneralSecurityException {
        if (clockMs.getAsLong() - lookedAtMs >= LOOK_EVERY_MS) {
            look();
        }
        if (user == null) {
            return null;
        }
        String pseudonym = remembered.get(user);
        if (pseudonym == null) {
            if (remembered.size() >= MAX_REMEMBERED) {
                remembered.clear();
            }
            pseudonym = key.pseudonym(user);
            remembered.put(user, pseudonym);
        }
        return pseudonym;
    }

    private void look() throws IOException, GeneralSecurityException {
        lookedAtMs = clockMs.getAsLong();
        try {
            BasicFileAttributes found = Files.readAttributes(path, BasicFileAttributes.class);
            String now = found.lastModifiedTime() + " " + found.fileKey();
            if (!now.equals(seen)) {
                key = new PseudonymKey(Files.readAllLines(path, StandardCharsets.ISO_8859_1));
                remembered.clear();
                seen = now;
            }
        } catch (NoSuchFileException error) {
            throw new IOException("There is no key for pseudonyms in " + path + ". Make it:  headrace up", error);
        } catch (IllegalArgumentException error) {
            throw new IOException(path + " is no key for pseudonyms: " + error.getMessage());
        }
    }
}
