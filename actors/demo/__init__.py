"""A tour to be run: ``python -m actors.demo``. Nothing here is meant to be imported."""
