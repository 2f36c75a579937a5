"""The local stack without Docker: the real servers as child processes of one supervisord, under one folder."""
