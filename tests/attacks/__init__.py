"""A corpus of hostile scripts, and what lets each loose in a process of its own."""
