"""`headrace score`: the readings of a file through the scorer of the job, and what it says of them."""
