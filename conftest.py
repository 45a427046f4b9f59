"""What the tests of all packages share: strict JAX, and the examples of the documentation.

Every fenced Python block, in a Markdown page or in a docstring, is one test. It runs in a namespace
of its own, so it imports what it uses; with `>>>` prompts its output is compared, as doctest does.
"""

import ast
import doctest
import os
import re
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

# The environment reaches JAX in subprocesses too, and does not import it where there is none.
os.environ["JAX_NUMPY_DTYPE_PROMOTION"] = "strict"
os.environ["JAX_NUMPY_RANK_PROMOTION"] = "raise"
# Two devices, for what is sharded.
os.environ["JAX_NUM_CPU_DEVICES"] = "2"

# A block that is not closed runs to the end of its text, and so fails aloud.
FENCE = re.compile(
    r"^(?P<indent> *)```python\b[^\n]*\n(?P<code>.*?)(?:^(?P=indent)```|\Z)", re.M | re.S
)


def python_blocks(text: str) -> Iterator[tuple[int, str]]:
    """The fenced Python blocks of a Markdown text, each with its line counted from 0."""
    for fence in FENCE.finditer(text):
        yield text.count("\n", 0, fence.start("code")), textwrap.dedent(fence["code"])


def examples(path: Path) -> Iterator[tuple[int, str]]:
    """The blocks of a page, or of the docstrings of a module."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".md":
        yield from python_blocks(text)
        return
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            for line, code in python_blocks(node.value):
                yield node.lineno - 1 + line, code


class Example(pytest.Item):
    """One fenced block."""

    line: int
    code: str

    def runtest(self) -> None:
        """Run the block, and compare what it prints where it shows that."""
        namespace = {"__name__": "__main__"}
        if not re.search("^>>> ", self.code, re.M):
            exec(compile("\n" * self.line + self.code, self.path, "exec"), namespace)
            return
        test = doctest.DocTestParser().get_doctest(
            self.code, namespace, self.name, str(self.path), self.line
        )
        runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS | doctest.FAIL_FAST)
        report: list[str] = []
        if runner.run(test, out=report.append).failed:
            pytest.fail("".join(report), pytrace=False)

    def repr_failure(
        self, excinfo: pytest.ExceptionInfo[BaseException], style: object = None
    ) -> str:
        """Show the difference in output, or the traceback from the block on."""
        if isinstance(excinfo.value, pytest.fail.Exception):
            return str(excinfo.value)
        from_block = excinfo.getrepr(style="short", tbfilter=lambda e: e.traceback.cut(self.path))
        return str(from_block)

    def reportinfo(self) -> tuple[Path, int, str]:
        """Where the block begins."""
        return self.path, self.line, self.name


class ExampleFile(pytest.File):
    """A file that holds fenced blocks."""

    def collect(self) -> Iterator[Example]:
        """Every block of the file."""
        for line, code in examples(self.path):
            example = Example.from_parent(self, name=f"line {line + 1}")
            example.line, example.code = line, code
            yield example


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what holds only where XLA optimizes as it does by default."""
    if "--xla_backend_optimization_level=" in os.environ.get("XLA_FLAGS", ""):
        reason = "XLA_FLAGS lets XLA optimize less than by default"
        for item in items:
            if item.get_closest_marker("optimized"):
                item.add_marker(pytest.mark.skip(reason=reason))


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> ExampleFile | None:
    """Markdown pages and the modules of the packages hold examples."""
    folders = file_path.relative_to(parent.config.rootpath).parts
    if file_path.suffix == ".md" or (file_path.suffix == ".py" and "src" in folders):
        return ExampleFile.from_parent(parent, path=file_path)
    return None


@pytest.fixture(scope="session")
def modules_after() -> Callable[[str], set[str]]:
    """A function that gives the top-level modules that statements load in a fresh interpreter."""

    def loaded(statements: str) -> set[str]:
        program = f"{statements}\nimport sys; print(*sys.modules, sep='\\n')"
        run = subprocess.run(
            [sys.executable, "-I", "-W", "error", "-c", program],
            capture_output=True,
            text=True,
            check=True,
        )
        return {name.partition(".")[0] for name in run.stdout.split()}

    return lambda statements: loaded(statements) - loaded("")
