"""The first thing that a newcomer runs does what it says."""

import importlib.util
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).parents[1] / "examples" / "mnist.py"


@pytest.mark.slow
@pytest.mark.optimized  # it trains for long
def test_mnist_reads_digits(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    spec = importlib.util.spec_from_file_location("mnist", EXAMPLE)
    mnist = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(mnist)

    accuracy = mnist.main(tmp_path, seed=0)

    assert accuracy >= 0.975
    weights, picture = tmp_path / "mnist.safetensors", tmp_path / "mnist.png"
    assert set(tmp_path.iterdir()) == {weights, picture}
    printed = capsys.readouterr().out
    assert f"Picture: {picture}\n" in printed
    assert f"Accuracy on 1,000 held-out images: {accuracy:.1%}\n" in printed
