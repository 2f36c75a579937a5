"""The balance: what came in, what became of it, from what is really in the topics and stores."""
