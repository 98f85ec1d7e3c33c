"""Tools for those who write or test a runtime: the conformance suite and a trivial runtime.

>>> from runtimes import QuickJSRuntime
>>> from runtimes.testing import check_runtime
>>> check_runtime(QuickJSRuntime)
"""

from runtimes.testing._check import Bench, Check, MakeRuntime
from runtimes.testing._conformance import check_runtime, conformance_checks
from runtimes.testing._dialect import JAVASCRIPT, Dialect
from runtimes.testing._echo import EchoRuntime
from runtimes.testing._echo_words import ECHO
from runtimes.testing._expect import expect_equal, expect_raises, expect_true, fail

__all__ = [
    "ECHO",
    "JAVASCRIPT",
    "Bench",
    "Check",
    "Dialect",
    "EchoRuntime",
    "MakeRuntime",
    "check_runtime",
    "conformance_checks",
    "expect_equal",
    "expect_raises",
    "expect_true",
    "fail",
]
