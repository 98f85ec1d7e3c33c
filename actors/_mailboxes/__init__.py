"""Mailboxes: where queries wait."""
