"""Forgetting a user: told to the jobs, removed from the stores, the key destroyed, and then looked for everywhere."""
