"""The one seam to Flink: whatever is not Flink's public API is called from here, and from nowhere else.

Tables in, tables or streams out. `java/` has what runs in the JVM, `patches/` what works around Flink, `UPGRADING.md`
every internal name with the test that fails when it changes.
"""
