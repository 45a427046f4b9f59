# /// script
# dependencies = ["nox>=2025.5.1"]
# ///
"""The sessions of the repository. CONTRIBUTING.md says when to run which.

Each package is tested as its users get it: its wheel and those of the siblings it needs are built
here and installed by path, together and with their declared dependencies, in a fresh environment.
No command asks an index for a sibling: the names there belong to others.
"""

import os
import re
import shutil
import tempfile
from pathlib import Path

import nox

nox.needs_version = ">=2025.5.1"
nox.options.default_venv_backend = "uv|virtualenv"
nox.options.error_on_missing_interpreters = False
nox.options.sessions = ["lint", "types", "tests"]

# A Python that the machine lacks is skipped, not downloaded.
os.environ["UV_PYTHON_DOWNLOADS"] = "never"

PACKAGES = ("luxcore", "luxlib", "lux-losses", "lux")
ROOT = nox.project.load_toml("pyproject.toml")
PROJECTS = {
    package: nox.project.load_toml(f"packages/{package}/pyproject.toml")["project"]
    for package in PACKAGES
}
PYTHONS = nox.project.python_versions(nox.project.load_toml("packages/luxcore/pyproject.toml"))
# JAX's newest versions need a new Python. `lowest` tests with the oldest of both.
NEWEST = next((python for python in reversed(PYTHONS) if shutil.which(f"python{python}")), None)

# Each run of nox builds for itself, so that two at the same time do not meet.
WHEELS = tempfile.TemporaryDirectory(prefix="lux-wheels-")

# A source archive, and a wheel from it, with the build tools of the session.
BUILD = ("python", "-m", "build", "--no-isolation")

# So XLA compiles several times as fast, and what it compiled runs more slowly: most of a test's
# time is compilation. What is marked `optimized`, examples and benchmarks compile as users do.
COMPILE_QUICKLY = "--xla_backend_optimization_level=0"

TESTS = [
    *(
        nox.param(python, "luxcore", arrays, id=f"luxcore-{python}-{arrays}", tags=["luxcore"])
        for python in PYTHONS
        for arrays in ("none", "numpy", "jax")
    ),
    *(nox.param(NEWEST, package, "none", id=package) for package in PACKAGES[1:]),
]


def group(*names: str) -> list[str]:
    """The requirements of dependency groups."""
    return list(nox.project.dependency_groups(ROOT, *names))


def distribution(requirement: str) -> str:
    """The name that a requirement begins with."""
    return re.split(r"[^\w-]", requirement, maxsplit=1)[0]


def family(package: str) -> list[str]:
    """A package and the siblings that it needs, directly or not."""
    needed = [package]
    for name in map(distribution, PROJECTS[package]["dependencies"]):
        if name in PACKAGES:
            needed += [sibling for sibling in family(name) if sibling not in needed]
    return needed


def third_party(package: str) -> list[str]:
    """What a package and its siblings need from the index."""
    requirements = (PROJECTS[name]["dependencies"] for name in family(package))
    return [r for each in requirements for r in each if distribution(r) not in PACKAGES]


def lowest_version(requirement: str) -> str:
    """The requirement of the lowest version that a requirement allows."""
    return re.sub(r">=([^,;]+)[^;]*", r"==\1", requirement)


def wheel(session: nox.Session, package: str) -> str:
    """The path of a package's wheel, built once in a run of nox."""
    folder = Path(WHEELS.name, package)
    if not folder.exists():
        if session.venv_backend == "uv":
            command = ["uv", "build", "--wheel", "--out-dir", f"{folder}"]
        else:
            command = ["python", "-m", "pip", "wheel", "--no-deps", "--wheel-dir", f"{folder}"]
        session.run(*command, f"packages/{package}", external=True, silent=True)
    (path,) = folder.glob("*.whl")
    return str(path)


def install(session: nox.Session, package: str, *requirements: str) -> None:
    """Install a package, its siblings and what else is asked for, in one command."""
    wheels = [wheel(session, sibling) for sibling in family(package)]
    session.install(*wheels, *requirements)


def run_tests(session: nox.Session, package: str, *requirements: str) -> None:
    """Run a package's tests and the examples of its documentation."""
    install(session, package, *group("test"), *requirements)
    # luxcore's tests are over before the workers of the others have imported JAX.
    arguments = [] if package == "luxcore" else ["--numprocesses=auto", "--maxprocesses=8"]
    paths = [f"packages/{package}"]
    if package == "lux":
        paths += ["README.md", "CONTRIBUTING.md", "docs", "tests"]
    session.run("pytest", *arguments, *paths, *session.posargs, env={"XLA_FLAGS": COMPILE_QUICKLY})
    if package in ("luxlib", "lux"):  # what those options change
        optimized = ["-m", "optimized and not slow", *arguments, f"packages/{package}"]
        session.run("pytest", *optimized, *session.posargs, success_codes=[0, 5])


@nox.session
def lint(session: nox.Session) -> None:
    """Check the style of the code and its format."""
    session.install(*group("lint"))
    session.run("ruff", "check")
    session.run("ruff", "format", "--check")


@nox.session
def types(session: nox.Session) -> None:
    """Check the types."""
    session.install(*third_party("lux"), *group("types"))
    session.run("mypy")


@nox.session
@nox.parametrize("python,package,arrays", TESTS)
def tests(session: nox.Session, package: str, arrays: str) -> None:
    """Test a package's wheel in an environment of its own, luxcore's on each Python."""
    if package == "luxcore":
        session.env["LUXCORE_TESTED_BESIDE"] = arrays
    run_tests(session, package, *group(arrays))


@nox.session(default=False)
def build(session: nox.Session) -> None:
    """Build the wheels and the source archives of all packages into dist/."""
    session.install(*group("build"))
    for package in PACKAGES:
        session.run(*BUILD, "--outdir", "dist", f"packages/{package}")


@nox.session(default=False)
@nox.parametrize("package", [nox.param(package, id=package) for package in PACKAGES])
def release(session: nox.Session, package: str) -> None:
    """Check a package's version, changelog and tag (`-- luxcore-v1.2.3`), and build it alone."""
    version = PROJECTS[package]["version"]
    changelog = Path("packages", package, "CHANGELOG.md").read_text(encoding="utf-8")
    newest = re.search(r"^## (\S+)", changelog, re.M)
    if newest is None or newest[1] != version:
        session.error(f"{package} is {version}, but its changelog begins with another version")

    tagged = session.run("git", "tag", "--points-at", "HEAD", external=True, silent=True)
    at_head = str(tagged).split()
    for tag in session.posargs or [tag for tag in at_head if tag.startswith(f"{package}-v")]:
        if tag != f"{package}-v{version}":
            session.error(f"{package} is {version}: its tag is {package}-v{version}, not {tag}")
        if tag not in at_head:
            session.error(f"The tag {tag} is not on the commit that is checked out")

    session.install(*group("build"))
    session.run(*BUILD, "--outdir", f"dist/{package}", f"packages/{package}")


@nox.session(default=False)
def docs(session: nox.Session) -> None:
    """Build the documentation into site/, or what is asked for (`-- serve`)."""
    session.install(*group("docs"))
    session.run("mkdocs", *(session.posargs or ["build", "--strict"]))


@nox.session(default=False)
def quickstart(session: nox.Session) -> None:
    """Train a small network on handwritten digits."""
    install(session, "lux", *group("examples"))
    session.run("python", "examples/mnist.py", *session.posargs)


@nox.session(default=False, python=PYTHONS[0])
@nox.parametrize("package", [nox.param(package, id=package) for package in PACKAGES])
def lowest(session: nox.Session, package: str) -> None:
    """Run a package's tests at the lowest versions that the packages declare."""
    requirements = third_party(package) or group("jax")
    run_tests(session, package, *map(lowest_version, requirements))


@nox.session(default=False, python=PYTHONS[0])
def slow(session: nox.Session) -> None:
    """Run the slow tests of all packages at the lowest versions that the packages declare."""
    requirements = map(lowest_version, third_party("lux"))
    install(session, "lux", *group("test", "examples"), *requirements)
    in_processes = ("--numprocesses=auto", "--maxprocesses=8", *session.posargs)
    session.run("pytest", "-m", "slow", *in_processes, env={"XLA_FLAGS": COMPILE_QUICKLY})
    session.run("pytest", "-m", "slow and optimized", *in_processes)


@nox.session(default=False, python="3.11", venv_backend="virtualenv")
def parity(session: nox.Session) -> None:
    """Compare with PyTorch."""
    folders = sorted(f"{folder}" for folder in Path("packages").glob("*/tests/parity"))
    if not folders:
        session.skip("no package has a folder tests/parity")
    if "CI" not in os.environ:
        session.warn("PyTorch is downloaded first: about 3 GB on Linux, 200 MB elsewhere.")
    install(session, "lux", *group("test", "parity"))
    in_processes = ("--numprocesses=auto", "--maxprocesses=8", *session.posargs)
    session.run("pytest", *folders, *in_processes, env={"XLA_FLAGS": COMPILE_QUICKLY})


# PyTorch comes by pip, as in `parity`.
@nox.session(default=False, python="3.11", venv_backend="virtualenv")
def bench(session: nox.Session) -> None:
    """Run benchmarks: `nox -s bench -- NAME …`, or `-- --guard` to compare with the results."""
    install(session, "lux", *group("bench"))
    session.run("python", "-m", "benchmarks", *session.posargs)


if __name__ == "__main__":
    nox.main()
