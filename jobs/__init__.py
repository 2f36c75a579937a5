"""One Flink job per file or folder: its SQL, its build(), its main()."""
