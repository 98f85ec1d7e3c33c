"""Lives of workers: what is behind a handle, and how it starts, answers and ends."""
