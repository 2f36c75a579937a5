"""One file per command or tight group of commands; `headrace.cli` registers them."""
