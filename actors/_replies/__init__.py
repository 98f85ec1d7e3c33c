"""Replies: where the responses to queries will be, and who waits for them."""
