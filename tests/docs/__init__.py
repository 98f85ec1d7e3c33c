"""Tests of everything that shows code: README, docs, examples, the demo."""
