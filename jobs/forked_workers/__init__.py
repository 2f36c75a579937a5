"""Python workers forked from a process that has imported what they need: there in a fraction of a second.

A worker that Flink starts the plain way first imports PyFlink, Beam, scipy and River: 5 to 8 s of CPU each, and after
a killed TaskManager all of them at once. Here `server` imports them once, and `launcher` stands where Flink looks for
a Python interpreter. It passes its arguments, environment, folder and open files to the server, waits for the worker
and ends as the worker ended; without a server it runs Python itself.

One connection of a unix socket is one worker. The launcher sends one line of JSON `{"arguments", "environment",
"folder"}` with its files 0, 1 and 2; the server answers `{"pid"}`, and `{"status"}` (as of waitpid) at the end. A
launcher that goes away takes its worker along, and so does the server.
"""
