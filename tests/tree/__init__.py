"""Supervisor trees on a fake clock."""
