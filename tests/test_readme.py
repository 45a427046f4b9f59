"""What the front page tells people to type is what the continuous integration runs."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_console_commands_are_those_of_ci():
    readme = ROOT.joinpath("README.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```console\n(.*?)^```", readme, re.M | re.S)
    commands = re.split(r"\n| && ", "".join(blocks).strip())
    steps = ROOT.joinpath(".ci/run").read_text(encoding="utf-8").splitlines()
    assert len(commands) == 4
    assert [command for command in commands if f"run {command}" not in steps] == []


def test_other_blocks_are_python():
    for page in [*ROOT.glob("*.md"), *ROOT.glob("packages/*/*.md"), *ROOT.glob("docs/**/*.md")]:
        languages = re.findall(r"^ *```(\w+)", page.read_text(encoding="utf-8"), re.M)
        assert set(languages) <= {"python", "console", "text"}, page
