"""A storm over a pool of workers, and the ledger that proves what came of every query."""
