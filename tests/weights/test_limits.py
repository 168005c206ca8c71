"""Weights that are, or say that they are, larger than a machine can hold."""

import struct
import zipfile

import numpy as np
import pytest
from weight_files import refused

from dslt_jax.weights import readers


@pytest.fixture
def small_limit(monkeypatch):
    monkeypatch.setattr(readers, "MAX_BYTES", 100_000)
    monkeypatch.setattr(readers, "MAX_LOADED", 100_000)


def test_a_file_over_the_limit_is_refused(tmp_path, small_limit):
    (tmp_path / "w.npz").write_bytes(b"PK" + bytes(100_001))
    refused(tmp_path / "w.npz", "has 100003 bytes")


def test_npz_that_inflates_over_the_limit_is_refused_before(tmp_path, small_limit):
    path = tmp_path / "w.npz"
    np.savez_compressed(path, **{"conv1_1/b": np.zeros(1_000_000, np.float32)})
    assert path.stat().st_size < 10_000
    refused(path, "bytes of memory")


def test_npz_whose_header_promises_more_than_it_holds_is_refused(tmp_path):
    path = tmp_path / "w.npz"
    header = b"{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999,), }\n"
    with zipfile.ZipFile(path, "w") as archive:
        content = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header
        archive.writestr("conv1_1/b.npy", content)
    refused(path, "says more than the archive holds")


def test_mat_that_inflates_over_the_limit_is_refused(tmp_path, small_limit):
    io_ = pytest.importorskip("scipy.io")
    path = tmp_path / "w.mat"
    io_.savemat(path, {"layers": np.zeros(1_000_000)}, do_compression=True)
    assert path.stat().st_size < 20_000
    refused(path, "inflate to more")


def test_h5_that_inflates_over_the_limit_or_points_elsewhere_is_refused(tmp_path, small_limit):
    h5py = pytest.importorskip("h5py")
    path = tmp_path / "w.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset("block1_conv1/b", data=np.zeros(1_000_000), compression="gzip")
    assert path.stat().st_size < 50_000
    refused(path, "bytes of memory")
    with h5py.File(path, "w") as file:
        outside = [(str(tmp_path / "secret"), 0, 256)]
        file.create_dataset("block1_conv1/b", (64,), "<f4", external=outside)
    refused(path, "points to another file")
