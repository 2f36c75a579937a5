/**
 * What Headrace does inside of Flink's JVM and cannot do in SQL: its operators and functions.
 *
 * <p>They are called from Python (the package {@code flink}). What they use of Flink that is not public stands in
 * flink/UPGRADING.md.
 */
package io.headrace.flink;
