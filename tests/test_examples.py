"""The examples of the documentation are tests that can fail: see conftest.py."""

import shutil
import subprocess
import sys
from pathlib import Path

CONFTEST = Path(__file__).parents[1] / "conftest.py"

RIGHT = """
```python
assert 1 + 1 == 2
```

```python
>>> 1 + 1
2
>>> 1 / 3
0.333...
```
"""

# Each wrong page with a part of what its failure must show.
WRONG = {
    "```python\nx = 1\nassert x == 2\n```": "page_0.md:3: in <module>",
    "```python\n>>> 1 + 1\n3\n```": "Expected:\n    3\nGot:\n    2",
    "```python\npytest.skip()\n```": "NameError: name 'pytest' is not defined",
    "```python\nimport warnings\nwarnings.warn('old')\n```": "UserWarning: old",
    "```python\nx = 1\n\nThis block is not closed.": "SyntaxError",
}


def run_pytest(folder: Path) -> subprocess.CompletedProcess[str]:
    shutil.copy(CONFTEST, folder)
    folder.joinpath("pytest.ini").write_text("[pytest]\nfilterwarnings = error\n")
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", str(folder)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_right_examples_pass(tmp_path: Path):
    tmp_path.joinpath("page.md").write_text(RIGHT)
    tmp_path.joinpath("src").mkdir()
    tmp_path.joinpath("src/module.py").write_text(f"def f():\n    '''A function.\n{RIGHT}'''\n")
    run = run_pytest(tmp_path)
    assert run.returncode == 0, run.stdout
    assert "4 passed" in run.stdout


def test_wrong_examples_fail(tmp_path: Path):
    for number, page in enumerate(WRONG):
        tmp_path.joinpath(f"page_{number}.md").write_text(f"{page}\n")
    run = run_pytest(tmp_path)
    assert run.returncode == 1
    assert f"{len(WRONG)} failed" in run.stdout
    assert [message for message in WRONG.values() if message not in run.stdout] == []
