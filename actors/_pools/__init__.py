"""Pools: the queue that workers share, and who gets what."""
