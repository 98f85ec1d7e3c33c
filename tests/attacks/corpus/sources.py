"""Sources that are huge, odd or not UTF-8, as scripts, as modules and as files."""

from __future__ import annotations

from functools import partial

from attacks.attack import DONE, MEMORY, NO_MODULE, SYNTAX, THROWS, TIME_OR_MEMORY, Attack

_MIB = 2**20
Huge = partial(Attack, timeout=10.0, memory_mib=64)

_HUGE = [
    Huge("50 MB of one name", lambda: "a" * (50 * _MIB), (*MEMORY, *THROWS)),
    Huge("50 MB of spaces", lambda: " " * (50 * _MIB), DONE),
    Huge("50 MB of a comment", lambda: "/*" + "x" * (50 * _MIB) + "*/ 1", DONE),
    Huge("50 MB of a string", lambda: "'" + "x" * (50 * _MIB) + "'", MEMORY),
    Huge("50 MB of statements", lambda: "a=1;\n" * (10 * _MIB), TIME_OR_MEMORY),
    Huge("50 MB as a module", lambda: "//" + "x" * (50 * _MIB), DONE, via="module"),
    Huge("100 MB", lambda: "//" + "x" * (100 * _MIB), MEMORY),
    Huge("50 MB that is never closed", lambda: "`" + "x" * (50 * _MIB), (*MEMORY, *SYNTAX)),
    Huge(
        "20 MB of a regular expression",
        lambda: "/" + "a?" * (10 * _MIB) + "/",
        (*TIME_OR_MEMORY, *SYNTAX),
    ),
    Huge("a number of a million digits", lambda: "9" * 1_000_000, DONE),
    Huge(
        "a big integer of a million digits",
        lambda: "9" * 1_000_000 + "n; 1",
        THROWS,
    ),
    Huge(
        "a hundred thousand variables",
        lambda: "".join(f"var v{i};" for i in range(100_000)),
        (*DONE, *TIME_OR_MEMORY),
        timeout=2.0,
    ),
    Huge(
        "a hundred thousand locals",
        lambda: "(() => {" + "".join(f"let v{i};" for i in range(100_000)) + "})()",
        (*DONE, *TIME_OR_MEMORY, *SYNTAX),
        timeout=2.0,
    ),
    Huge(
        "a hundred thousand parameters",
        lambda: "(function (" + ",".join(f"p{i}" for i in range(100_000)) + ") {})()",
        SYNTAX,
    ),
    Huge(
        "a hundred thousand arguments",
        lambda: "Math.max(" + "1," * 100_000 + "1)",
        SYNTAX,
    ),
    Huge(
        "a hundred thousand functions",
        lambda: "".join(f"function f{i}(){{}}" for i in range(100_000)) + "1",
        (*DONE, *TIME_OR_MEMORY),
    ),
    Huge(
        "a hundred thousand cases",
        lambda: "switch (1) {" + "".join(f"case {i}:" for i in range(100_000)) + "}",
        DONE,
    ),
    Huge(
        "a hundred thousand captures",
        lambda: (
            "(() => {"
            + "".join(f"let v{i};" for i in range(5_000))
            + "return () => ["
            + "".join(f"v{i}," for i in range(5_000))
            + "]})()().length"
        ),
        DONE,
    ),
    Huge(
        "a hundred thousand groups",
        "new RegExp('(a)'.repeat(1e5))",
        THROWS,
    ),
]

_ODD = [
    Attack("nothing", "", DONE),
    Attack("only whitespace", "\t\n\v\f\r \u00a0\u2028\u2029\ufeff\u3000", DONE),
    Attack("only a NUL", "\0", SYNTAX),
    Attack("NUL between statements", "1;\0 2", SYNTAX),
    Attack("NUL in a string", "'a\0b'.length", DONE, gives=3),
    Attack("NUL in a comment", "/* \0 */ 1 // \0", DONE, gives=1),
    Attack("NUL in a template", "`a\0b`.length", DONE, gives=3),
    Attack("byte order mark", "\ufeff42", DONE, gives=42),
    Attack("two byte order marks", "\ufeff\ufeff42", DONE, gives=42),
    Attack("lone surrogate in a string", "'\ud800'.length", DONE),
    Attack("lone surrogate as a name", "var \ud800 = 1", SYNTAX),
    Attack("lone surrogate in a comment", "/* \udc00 */ 1", DONE, gives=1),
    Attack("surrogates that do not pair in a pattern", "/\ud800/u.test('a')", DONE),
    Attack("line separator in a string", "'\u2028\u2029'.length", DONE, gives=2),
    Attack("line separator ends a comment", "// x\u202842", DONE, gives=42),
    Attack("astral name", "var \U00020000 = 3; \U00020000", DONE, gives=3),
    Attack("name with an escape", "var \\u{61}b = 3; ab", DONE, gives=3),
    Attack("zero-width joiner in a name", "var a\u200d = 3; a\u200d", DONE, gives=3),
    Attack("right-to-left override", "/* \u202e */ 7", DONE, gives=7),
    Attack("hashbang", "#!/bin/sh rm -rf /\n42", DONE, gives=42),
    Attack("hashbang on the second line", "\n#!/bin/sh\n42", SYNTAX),
    Attack("HTML comment", "<!-- x\n42", DONE, gives=42),
    Attack("HTML comment that closes", "1\n--> x\n", DONE, gives=1),
    Attack("HTML comment in a module", "<!-- x\n", SYNTAX, via="module"),
    Attack("module syntax in a script", "import x from 'y'", SYNTAX),
    Attack("export in a script", "export const x = 1", SYNTAX),
    Attack("top-level await in a script", "await 7", SYNTAX),
    Attack("return outside of a function", "return 1", SYNTAX),
    Attack("carriage returns", "1\r\r\n42\r", DONE, gives=42),
    Attack(
        "pragma for a source map", "//# sourceMappingURL=file:///etc/passwd\n42", DONE, gives=42
    ),
    Attack("strings that never end", "'", SYNTAX),
    Attack("escapes that never end", "'\\u{110000}'", SYNTAX),
    Attack("escape cut short", "'\\u{", SYNTAX),
    Attack("regular expression that never ends", "/[", SYNTAX),
    Attack("template that never ends", "`${`${`", SYNTAX),
    Attack("delimiters of every kind", "\"'`/*//<!--({[", SYNTAX),
    Attack("filename with odd characters", "null.x", THROWS, error_name="TypeError"),
    Attack("module that is empty", "", DONE, via="module"),
    Attack("module of a NUL", "\0", SYNTAX, via="module"),
    Attack("module with a lone surrogate", "export const x = '\ud800'", DONE, via="module"),
]

_FILES = [
    Attack(
        "file of Latin-1",
        "",
        (ValueError,),
        via="file",
        file_bytes=lambda: "export const x = 'é'".encode("latin-1"),
    ),
    Attack(
        "file of UTF-16",
        "",
        (ValueError,),
        via="file",
        file_bytes=lambda: "export const x = 1".encode("utf-16"),
    ),
    Attack(
        "file with an overlong NUL",
        "",
        (ValueError,),
        via="file",
        file_bytes=lambda: b"export const x = '\xc0\x80'",
    ),
    Attack(
        "file with a surrogate in UTF-8",
        "",
        (ValueError,),
        via="file",
        file_bytes=lambda: b"export const x = '\xed\xa0\x80'",
    ),
    Attack(
        "file cut within a character",
        "",
        (ValueError,),
        via="file",
        file_bytes=lambda: "export const x = '€".encode()[:-1],
    ),
    Attack(
        "file of a program",
        "",
        (ValueError, *SYNTAX),
        via="file",
        file_bytes=lambda: b"\x7fELF\x02\x01\x01\0" + bytes(range(256)) * 64,
    ),
    Attack(
        "file of WebAssembly",
        "",
        (ValueError, *SYNTAX),
        via="file",
        file_bytes=lambda: b"\0asm\x01\0\0\0",
    ),
    Attack("file of zeros", "", SYNTAX, via="file", file_bytes=lambda: bytes(_MIB)),
    Attack(
        "file with a byte order mark",
        "",
        DONE,
        via="file",
        file_bytes=lambda: b"\xef\xbb\xbfexport const x = 1",
    ),
    Attack("file of nothing", "", DONE, via="file", file_bytes=lambda: b""),
    Attack(
        "file of 50 MB",
        "",
        DONE,
        via="file",
        timeout=10.0,
        memory_mib=64,
        file_bytes=lambda: b"//" + b"x" * (50 * _MIB),
    ),
    Attack("file that is not there", "", NO_MODULE, via="file"),
]

ATTACKS = [*_HUGE, *_ODD, *_FILES]
