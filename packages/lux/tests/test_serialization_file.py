"""The file itself: written at once or not at all, and refused where it is not whole."""

import json
import os
import pickle
import random
import struct
import subprocess
import sys
import threading
import zlib

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import safetensors.numpy

import lux
from lux import NamedTuple

MODEL = lux.Chain(lux.Dense(3, 4, lux.relu), lux.Dropout(0.5), lux.Dense(4, 2))
PS, ST = lux.setup(0, MODEL)


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "model.safetensors"
    lux.save(path, PS, ST, {"epochs": 3}, model=MODEL)
    return path


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def bits(tree):
    return [
        np.asarray(
            jax.random.key_data(leaf) if jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key) else leaf
        ).tobytes()
        for leaf in jax.tree.leaves(tree)
    ]


# --- writing ------------------------------------------------------------------------------------


def test_only_the_file_is_left_in_the_folder(path):
    lux.save(path, PS, ST)
    assert names(path.parent) == [path.name]


@pytest.mark.parametrize("step", ["save_file", "fsync", "replace"])
@pytest.mark.parametrize("error", [OSError("no space left"), KeyboardInterrupt()])
def test_a_failed_write_leaves_the_old_file_and_no_litter(path, monkeypatch, step, error):
    def fail(*arguments, **keywords):
        raise error

    before = path.read_bytes()
    if step == "save_file":
        monkeypatch.setattr(safetensors.numpy, "save_file", fail)
    else:
        monkeypatch.setattr(os, step, fail)
    with pytest.raises(type(error)):
        lux.save(path, jax.tree.map(lambda p: 2 * p, PS), ST)
    monkeypatch.undo()
    assert names(path.parent) == [path.name]
    assert path.read_bytes() == before


def test_an_error_of_safetensors_is_an_oserror(path, monkeypatch):
    def fail(*arguments):
        raise safetensors.SafetensorError("disk full")

    monkeypatch.setattr(safetensors.numpy, "save_file", fail)
    with pytest.raises(OSError, match="could not be written: disk full") as caught:
        lux.save(path, PS, ST)
    assert str(path) in str(caught.value)


@pytest.mark.skipif(os.name != "posix", reason="limits are those of POSIX")
def test_a_full_disk_leaves_the_old_file_and_no_litter(path):
    program = (
        "import resource, signal, sys, lux, jax.numpy as jnp; "
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN); "
        "resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000)); "
        "lux.save(sys.argv[1], {'a': jnp.ones(100_000)}, None)"
    )
    before = path.read_bytes()
    run = subprocess.run(
        [sys.executable, "-c", program, str(path)], check=False, capture_output=True, text=True
    )
    assert "OSError" in run.stderr.splitlines()[-1]
    assert names(path.parent) == [path.name]
    assert path.read_bytes() == before


def test_a_writer_that_is_killed_leaves_the_old_file(path):
    program = (
        "import os, signal, sys, lux, jax.numpy as jnp; import safetensors.numpy as s; "
        "write = s.save_file; "
        "s.save_file = lambda *a: (write(*a), os.kill(os.getpid(), signal.SIGKILL)); "
        "lux.save(sys.argv[1], {'a': jnp.ones(9)}, None)"
    )
    before = path.read_bytes()
    run = subprocess.run([sys.executable, "-c", program, str(path)], check=False)
    assert run.returncode < 0
    assert path.read_bytes() == before
    assert bits(lux.load(path, MODEL)) == bits((PS, ST))


def test_what_the_system_refuses_it_says_itself(tmp_path):
    with pytest.raises(FileNotFoundError):
        lux.save(tmp_path / "missing" / "file", PS, ST)
    with pytest.raises(FileNotFoundError):
        lux.load(tmp_path / "missing")
    with pytest.raises(IsADirectoryError):
        lux.save(tmp_path, PS, ST)
    with pytest.raises(IsADirectoryError):
        lux.load(tmp_path)
    assert names(tmp_path) == []


@pytest.mark.skipif(os.name != "posix", reason="links and permissions are those of POSIX")
def test_links_and_permissions(tmp_path):
    target, link = tmp_path / "target", tmp_path / "link"
    lux.save(target, PS, ST)
    link.symlink_to(target)
    lux.save(link, jax.tree.map(lambda p: 2 * p, PS), ST)
    assert link.is_symlink()
    assert bits(lux.load(target)[0]) == bits(jax.tree.map(lambda p: 2 * p, PS))
    plain = tmp_path / "plain"
    plain.touch()
    assert target.stat().st_mode == plain.stat().st_mode


def test_a_reader_beside_a_writer_sees_whole_files(tmp_path):
    path = tmp_path / "file"
    lux.save(path, {"a": jnp.zeros(1000)}, None)
    done = threading.Event()
    seen, errors = set(), []

    def read():
        while not done.is_set():
            try:
                seen.add(tuple(set(np.asarray(lux.load(path)[0]["a"]).tolist())))
            except Exception as error:  # reported below
                errors.append(error)

    reader = threading.Thread(target=read)
    reader.start()
    for value in range(30):
        lux.save(path, {"a": jnp.full(1000, value, jnp.float32)}, None)
    done.set()
    reader.join()
    assert not errors
    assert all(len(values) == 1 for values in seen)


# --- reading what is damaged --------------------------------------------------------------------


def mutations(data: bytes, count: int, seed: int):
    """Damaged forms of a file: bits and bytes, parts lost, moved and repeated."""
    rng = random.Random(seed)
    header = 8 + int.from_bytes(data[:8], "little")
    for index in range(count):
        place = rng.randrange(header if index % 2 else len(data))
        length = rng.randint(1, 40)
        other = rng.randrange(len(data))
        yield rng.choice(
            [
                lambda i=place: data[:i] + bytes([data[i] ^ 1 << rng.randrange(8)]) + data[i + 1 :],
                lambda i=place: data[:i] + rng.randbytes(1) + data[i + 1 :],
                lambda i=place: data[:i] + b"0123456789"[i % 10 : i % 10 + 1] + data[i + 1 :],
                lambda i=place, n=length: data[:i] + data[i + n :],
                lambda i=place, n=length: data[:i] + rng.randbytes(n) + data[i:],
                lambda i=place, n=length: data[:i] + rng.randbytes(n) + data[i + n :],
                lambda i=place, n=length, j=other: data[:i] + data[j : j + n] + data[i + n :],
                lambda i=place: data[:i],
                lambda i=other: data[:i],
                lambda n=length: data + rng.randbytes(n),
                lambda n=length: bytes(n) + data,
                lambda: rng.randbytes(8) + data[8:],
            ]
        )()


def check_mutations(path, count: int, seed: int):
    data = path.read_bytes()
    refused = 0
    for damaged in mutations(data, count, seed):
        path.write_bytes(damaged)
        for model in (None, MODEL):
            try:
                trees = lux.load(path, model)
            except ValueError as error:
                assert str(path) in str(error)  # noqa: PT017
                refused += 1
            else:  # nothing that matters was hit, as a space in the header
                assert bits(trees) == bits((PS, ST))
                assert jax.tree.structure(trees) == jax.tree.structure((PS, ST))
        try:
            metadata = lux.load_metadata(path)
        except ValueError:
            continue
        assert metadata == {"epochs": 3}
    assert refused > 1.8 * count


def test_damaged_files_are_refused(path):
    check_mutations(path, 100, seed=0)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1, 5))
def test_many_damaged_files_are_refused(path, seed: int):
    check_mutations(path, 500, seed)


def test_every_bit_of_the_arrays_counts(path):
    data = path.read_bytes()
    header = 8 + int.from_bytes(data[:8], "little")
    for place in range(header, len(data)):
        bit = 1 << place % 8
        path.write_bytes(data[:place] + bytes([data[place] ^ bit]) + data[place + 1 :])
        with pytest.raises(ValueError, match=r"this file is damaged: the checksum of \S+ is wrong"):
            lux.load(path)


def test_every_truncation_is_refused(path):
    data = path.read_bytes()
    for length in [*range(64), *range(64, len(data), 37), len(data) - 1]:
        path.write_bytes(data[:length])
        with pytest.raises(ValueError, match=r"model\.safetensors: this file is damaged, or none"):
            lux.load(path)


def foreign_files():
    yield "empty", b""
    yield "text", b"weights and biases\n" * 100
    yield "zeros", bytes(4096)
    yield "ones", b"\xff" * 4096
    yield "pickle", pickle.dumps({"weight": [1.0] * 100})
    yield "json", json.dumps({"weight": [1.0] * 100}).encode()
    yield "zip", b"PK\x03\x04" + bytes(100)
    yield "npy", b"\x93NUMPY\x01\x00v\x00{'descr': '<f4', 'fortran_order': False}" + bytes(100)


@pytest.mark.parametrize(("kind", "data"), list(foreign_files()))
def test_foreign_files_are_refused(tmp_path, kind: str, data: bytes):
    path = tmp_path / kind
    path.write_bytes(data)
    for read in (lux.load, lux.load_metadata):
        with pytest.raises(ValueError, match="this file is damaged, or none that") as e:
            read(path)
        assert str(e.value).startswith(f"{path}: ")


def test_other_safetensors_files_are_refused(tmp_path):
    path = tmp_path / "file"
    for metadata in (None, {"format": "pt"}):
        safetensors.numpy.save_file({"a": np.ones(3)}, path, metadata)
        with pytest.raises(ValueError, match="has not written") as caught:
            lux.load(path)
        assert str(caught.value) == (
            f"{path}: this file is a safetensors file that lux.save has not written: "
            "safetensors.numpy.load_file reads its arrays"
        )


def test_files_of_later_releases_are_refused(path):
    data = path.read_bytes().replace(b'"version":"1"', b'"version":"2"')
    path.write_bytes(data)
    with pytest.raises(ValueError, match="later release") as caught:
        lux.load(path)
    assert str(caught.value) == (
        f"{path}: this file is written by a later release of lux: its format is 2, and this "
        "release reads up to 1"
    )


def forged(path, arrays, description):
    text = description if isinstance(description, str) else json.dumps(description)
    metadata = {"format": "lux", "version": "1", "description": text}
    metadata["checksum"] = str(zlib.crc32(text.encode()))
    safetensors.numpy.save_file(arrays, path, metadata)


ARRAY = {"array": "a", "dtype": "float32", "shape": [3], "crc32": zlib.crc32(bytes(12))}


@pytest.mark.parametrize(
    "tree",
    [
        1,
        [],
        {},
        {"fields": []},
        {"fields": {"a": 1}},
        {"fields": {"not a name": None}},
        {"tuple": {}},
        {"dict": [["a"]]},
        {"dict": [[[], None]]},
        {"unknown": None},
        {"val": [1]},
        {"number": {"float": "many"}},
        {"class": "os.system", "parts": []},
        ARRAY | {"shape": [-1]},
        ARRAY | {"shape": "3"},
        ARRAY | {"shape": [4]},
        ARRAY | {"dtype": "object"},
        ARRAY | {"dtype": "int32"},
        ARRAY | {"crc32": 0},
        ARRAY | {"array": "b"},
        {"tuple": [ARRAY, ARRAY]},
        {"key": "a", "impl": "threefry2x32", "shape": [], "data": [3], "crc32": ARRAY["crc32"]},
        {"key": "u", "impl": "none", "shape": [], "data": [2], "crc32": zlib.crc32(bytes(8))},
        {"key": "u", "impl": "rbg", "shape": [], "data": [2], "crc32": zlib.crc32(bytes(8))},
    ],
)
def test_forged_descriptions_are_refused(tmp_path, tree):
    path = tmp_path / "file"
    arrays = {"a": np.zeros(3, np.float32)}
    if isinstance(tree, dict) and tree.get("key") == "u":
        arrays = {"u": np.zeros(2, np.uint32)}
    description = {"parameters": tree, "states": None, "model": None, "metadata": None}
    forged(path, arrays, description)
    with pytest.raises(ValueError, match="this file is") as caught:
        lux.load(path)
    assert str(caught.value).startswith(f"{path}: ")


@pytest.mark.parametrize(
    "description",
    [
        "",
        "{",
        "null",
        "[]",
        "{}",
        '{"parameters":null,"states":null,"model":1,"metadata":null}',
        '{"parameters":null,"states":null,"model":null,"metadata":[]}',
        "[" * 100_000,
        '{"parameters":' + '{"tuple":[' * 5_000 + "]}" * 5_000 + "}",
    ],
)
def test_forged_headers_are_refused(tmp_path, description: str):
    path = tmp_path / "file"
    forged(path, {}, description)
    for read in (lux.load, lux.load_metadata):
        with pytest.raises(ValueError, match="this file is damaged: its description is none"):
            read(path)


def test_a_header_that_claims_to_be_huge_is_refused(tmp_path):
    path = tmp_path / "file"
    for length in (2**63, 2**64 - 1, 10**9, 100):
        path.write_bytes(struct.pack("<Q", length) + b"{}")
        with pytest.raises(ValueError, match="this file is damaged"):
            lux.load(path)


def test_an_extra_array_is_noticed(path):
    arrays = safetensors.numpy.load_file(path)
    with safetensors.safe_open(path, framework="numpy") as file:
        metadata = file.metadata()
    safetensors.numpy.save_file({**arrays, "more": np.ones(1)}, path, metadata)
    with pytest.raises(ValueError, match="its arrays are not those of its description"):
        lux.load(path)


def test_an_empty_model(tmp_path):
    path = tmp_path / "file"
    lux.save(path, NamedTuple(), NamedTuple())
    assert lux.load(path) == (NamedTuple(), NamedTuple())
