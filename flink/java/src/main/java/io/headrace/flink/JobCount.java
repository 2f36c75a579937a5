package io.headrace.flink;

/**
 * How many series, or devices, a job has, as one of its subtasks can know.
 *
 * <p>A subtask sees its own, and takes the others to have as many: so each admits no more than its part of a limit. After
 * a restart it also knows those that all subtasks had before, wherever their readings arrive now, and admits its part of
 * what is left.
 */
final class JobCount {

    /** A reading of it has arrived at this subtask. */
    static final int SEEN = 1;
    /** Some subtask had it before the restart. */
    static final int RESTORED = 2;

    private final int parallelism;
    private int seen;
    private int restored;
    private int admitted;

    JobCount(int parallelism) {
        this.parallelism = parallelism;
    }

    /** One more, which is SEEN, RESTORED, or both. */
    void add(int flags) {
        seen += flags & SEEN;
        if ((flags & RESTORED) == 0) {
            admitted++;
        } else {
            restored++;
        }
    }

    /** One that was added as RESTORED alone has a reading now. */
    void see() {
        seen++;
    }

    /** Of the whole job; exact if it has one subtask. */
    long total() {
        return Math.max((long) parallelism * seen, restored + (long) parallelism * admitted);
    }
}
