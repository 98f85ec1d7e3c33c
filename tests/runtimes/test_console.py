"""Console events as values."""

from __future__ import annotations

from runtimes import ConsoleEvent


def test_the_text_of_an_event_shows_strings_as_they_are() -> None:
    event = ConsoleEvent("log", ("a", 1, ["b"], None))
    assert event.text == "a 1 ['b'] None"


def test_an_event_without_a_position_has_none() -> None:
    event = ConsoleEvent("warn", ())
    assert (event.filename, event.line, event.column) == (None, None, None)
