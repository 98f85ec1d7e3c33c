"""Benchmarks: one file per question, peers in the same run. ``python -m benchmarks`` runs them."""
