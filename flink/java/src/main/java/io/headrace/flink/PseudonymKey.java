package io.headrace.flink;

import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;
import org.apache.flink.util.StringUtils;

/** The key that pseudonyms are made with: what connectors/pseudonym_key.py is in Python (docs/adr/0023). */
final class PseudonymKey {

    private static final String TITLE = "headrace pseudonym key 1";
    private static final int DEPTH = 40;
    private static final int PSEUDONYM_BYTES = 16;

    private final Map<String, byte[]> nodes = new HashMap<>();
    private final MessageDigest sha256;
    private final Mac hmac;

    /** Of the lines of its file. Throws IllegalArgumentException, with nothing of the key in its message. */
    PseudonymKey(List<String> lines) throws GeneralSecurityException {
        if (lines.size() < 2 || !TITLE.equals(lines.get(0))) {
            throw new IllegalArgumentException("it does not begin with the line '" + TITLE + "' and a node");
        }
        for (int number = 1; number < lines.size(); number++) {
            String[] words = lines.get(number).split(" ");
            if (words.length != 2 || !words[0].matches("-|[01]{1," + DEPTH + "}") || !words[1].matches("[0-9a-f]{64}")) {
                throw new IllegalArgumentException("line " + (number + 1) + " is no node");
            }
            nodes.put("-".equals(words[0]) ? "" : words[0], StringUtils.hexStringToByte(words[1]));
        }
        sha256 = MessageDigest.getInstance("SHA-256");
        hmac = Mac.getInstance("HmacSHA256");
    }

    /** 32 hexadecimal digits. */
    String pseudonym(String user) throws GeneralSecurityException {
        byte[] id = user.getBytes(StandardCharsets.UTF_8);
        hmac.init(new SecretKeySpec(leafOf(id), "HmacSHA256"));
        return StringUtils.byteToHexString(hmac.doFinal(id), 0, PSEUDONYM_BYTES);
    }

    /** The key of the user's first leaf that is not destroyed. */
    private byte[] leafOf(byte[] user) {
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
                byte[] node = nodes.get(way.substring(0, depth));
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
}
