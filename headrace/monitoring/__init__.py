"""How the stack is: figures of processes, jobs and topics, and the alarms that follow from them."""
