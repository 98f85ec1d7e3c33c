"""The pages: their code runs, their output is what is shown, their links lead somewhere."""

import re
import sys
from pathlib import Path
from types import ModuleType

import pytest

import actors
import runtimes
from benchmarks import readme_table

from ._pages import EXAMPLES, PAGES, ROOT, anchors_of, links_of, python_of

INCLUDE = re.compile(r'--8<-- "([^"]+)"')

PAGES_WITH_CODE = [page for page in PAGES if python_of(page)]


def title(page: Path) -> str:
    """A page's name in test reports."""
    return page.relative_to(ROOT).as_posix()


@pytest.fixture
def module(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """A module for a page's code, so that its classes can be found by name."""
    made = ModuleType("page_under_test")
    monkeypatch.setitem(sys.modules, made.__name__, made)
    return made


@pytest.mark.parametrize("page", PAGES_WITH_CODE, ids=title)
def test_the_code_of_a_page_runs_from_top_to_bottom(
    page: Path, module: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    for block in python_of(page):
        code = compile("\n" * (block.line - 1) + block.text, str(page), "exec")
        exec(code, module.__dict__)
        printed = capsys.readouterr().out
        if block.shown is not None:
            assert printed == block.shown, f"{title(page)}:{block.line}"


@pytest.mark.parametrize("page", PAGES, ids=title)
def test_the_links_of_a_page_lead_somewhere(page: Path) -> None:
    for target in links_of(page):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        assert file.exists(), f"{title(page)} links to {target}"
        if anchor and file.suffix == ".md":
            assert anchor in anchors_of(file), f"{title(page)} links to {target}"


@pytest.mark.parametrize("page", PAGES, ids=title)
def test_what_a_page_includes_exists(page: Path) -> None:
    for name in INCLUDE.findall(page.read_text(encoding="utf-8")):
        assert (ROOT / name).is_file(), f"{title(page)} includes {name}"


def test_every_example_has_a_page_that_shows_it() -> None:
    shown = {
        name
        for page in (ROOT / "docs" / "how-to").glob("*.md")
        for name in INCLUDE.findall(page.read_text(encoding="utf-8"))
    }
    assert {f"examples/{file.name}" for file in EXAMPLES.glob("*.py")} <= shown


@pytest.mark.parametrize("door", [actors, runtimes], ids=lambda door: door.__name__)
def test_the_reference_lists_every_public_name(door: ModuleType) -> None:
    page = ROOT / "docs" / "reference" / f"{door.__name__}.md"
    listed = re.findall(rf"^::: {door.__name__}\.(\w+)$", page.read_text(encoding="utf-8"), re.M)
    assert sorted(listed) == sorted(door.__all__)


def test_every_page_is_in_the_navigation() -> None:
    navigation = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    docs = ROOT / "docs"
    pages = {page.relative_to(docs).as_posix() for page in PAGES if page.is_relative_to(docs)}
    assert {page for page in pages if f" {page}\n" not in navigation} == set()


@pytest.mark.parametrize("name", ["default_worker", "custom_worker", "worker_pool"])
def test_the_programs_of_the_readme_are_the_examples(name: str) -> None:
    source = (EXAMPLES / f"{name}.py").read_text(encoding="utf-8")
    program = re.sub(r'\A""".*?"""\n+', "", source, flags=re.S)
    assert program in [block.text for block in python_of(ROOT / "README.md")]


def test_no_page_has_a_placeholder_left() -> None:
    left = [title(page) for page in PAGES if re.search("TODO|@@", page.read_text(encoding="utf-8"))]
    assert left == []


def test_the_promises_about_security_name_tests_that_exist() -> None:
    page = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
    named = re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", page)
    assert len(named) > 5
    for path, test in named:
        source = (ROOT / path).read_text(encoding="utf-8")
        assert f"def {test}" in source, f"{path} has no {test}"


def test_the_promises_about_security_name_every_kind_of_attack() -> None:
    page = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
    kinds = {file.stem for file in (ROOT / "tests" / "attacks" / "corpus").glob("[a-z]*.py")}
    assert {kind for kind in kinds if f"`{kind}`" not in page} == set()


def test_the_figures_of_the_readme_are_those_of_the_benchmarks() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    document = (ROOT / "docs" / "benchmarks.md").read_text(encoding="utf-8")
    assert readme_table.table(document) in readme
