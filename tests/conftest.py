"""What all tests share: nothing may be left behind."""

from __future__ import annotations

import signal

pytest_plugins = ["actors.testing.plugin"]

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell starts what runs in the background with Ctrl-C ignored, and programs inherit that. The
    # tests send it to themselves and to programs they start.
    signal.signal(signal.SIGINT, signal.default_int_handler)
