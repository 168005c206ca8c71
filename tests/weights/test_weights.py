import gzip
import logging
import pickle
import struct
import tarfile
import zipfile

import jax
import numpy as np
import pytest
import weight_files
from safetensors.numpy import save_file
from weight_files import TRACKER, refused

from dslt_jax import presets, settings
from dslt_jax.backbones import vgg16
from dslt_jax.weights import readers, sources, store
from dslt_jax.weights.readers import WeightsError


@pytest.fixture(scope="module")
def params():
    return weight_files.random_params(TRACKER.backbone.param_shapes())


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("DSLT_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


class Code:
    """What a pickle must not get to run."""

    def __reduce__(self):
        return (pytest.fail, ("a pickle ran code",))


# Storing and loading.


def test_saved_weights_come_back_the_same(tmp_path, params):
    path = tmp_path / "new" / "vgg16.safetensors"
    store.save(path, params, {"source": "test"})
    loaded = store.load_params(TRACKER, path)
    assert {key for key in loaded if not key.endswith("/winograd")} == params.keys()
    for key, array in params.items():
        assert isinstance(loaded[key], jax.Array)
        np.testing.assert_array_equal(loaded[key], array)
    assert [p.name for p in path.parent.iterdir()] == ["vgg16.safetensors"]


def test_only_the_layers_that_the_tracker_needs_are_returned(tmp_path):
    tracker = presets.googlenet()
    shallow = settings.override(tracker, ["shallow_layer=3a", "deep_layer=3b"])
    path = tmp_path / "g.safetensors"
    store.save(path, weight_files.random_params(tracker.backbone.param_shapes()), {})
    loaded = {key for key in store.load_params(shallow, path) if not key.endswith("/winograd")}
    assert loaded == shallow.backbone.param_shapes().keys()
    assert len(loaded) < len(tracker.backbone.param_shapes())


def test_what_was_loaded_can_be_saved_and_loaded_again(tmp_path):
    tracker = presets.compact()
    params = store.load_params(tracker)
    kernel, made = "stage2/block/w", "stage2/block/winograd"
    changed = params | {kernel: 0 * params[kernel]}
    store.save(tmp_path / "own.safetensors", changed, {})
    loaded = store.load_params(tracker, tmp_path / "own.safetensors")
    assert loaded.keys() == params.keys() and not loaded[made].any()  # made anew


def test_embedded_weights_may_be_float16(tmp_path, monkeypatch):
    tracker = presets.compact()
    params = weight_files.random_params(tracker.backbone.param_shapes())
    half = {key: array.astype(np.float16) for key, array in params.items()}
    monkeypatch.setattr(store, "FOLDER", tmp_path)
    store.save(tmp_path / "compact.safetensors", half, {})
    loaded = store.load_params(tracker)
    assert all(array.dtype == np.float32 for array in loaded.values())
    np.testing.assert_array_equal(loaded["stage1/w"], half["stage1/w"].astype(np.float32))
    (tmp_path / "compact.safetensors").unlink()
    with pytest.raises(WeightsError, match=r"package lacks compact\.safetensors"):
        store.load_params(tracker)


def test_absent_weights_say_how_to_get_them(cache):
    with pytest.raises(WeightsError, match="dslt weights fetch googlenet"):
        store.load_params(presets.googlenet())
    assert not cache.exists()


def test_a_write_that_fails_keeps_what_was_there(tmp_path, params, monkeypatch):
    path = tmp_path / "w.safetensors"
    store.save(path, {"a": np.zeros(3, np.float32)}, {})
    before = path.read_bytes()

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("safetensors.numpy.save_file", full)
    with pytest.raises(WeightsError, match=r"w\.safetensors cannot be written: .*No space left"):
        store.save(path, params, {})
    assert path.read_bytes() == before
    assert len(list(tmp_path.iterdir())) == 1


def test_install_puts_an_import_where_load_finds_it(tmp_path, cache, monkeypatch):
    shapes = presets.paper().backbone.param_shapes()
    params = {key: np.zeros(shape, np.float32) for key, shape in shapes.items()}
    params["mean"] = np.float32(vgg16.MEAN)
    np.savez_compressed(tmp_path / "mine.npz", **params)
    stored, note = store.install(tmp_path / "mine.npz")
    assert stored == cache / "vgg16.safetensors"
    assert "not the Oxford VGG-16 weights (26 of 26 digests differ" in note
    states = {entry.backbone: entry for entry in store.installed()}
    assert states["vgg16"].size == stored.stat().st_size
    assert states["vgg16"].state == note
    monkeypatch.setitem(sources.DIGESTS, "vgg16", sources.digests("vgg16", params))
    states = {entry.backbone: entry for entry in store.installed()}
    assert states["vgg16"].state.startswith("verified: the Oxford VGG-16 weights, 26 digests")
    assert states["googlenet"].size is None
    assert "fetch googlenet" in states["googlenet"].state
    stored.write_bytes(stored.read_bytes()[:-9])
    states = {entry.backbone: entry for entry in store.installed()}
    assert states["vgg16"].state.startswith("damaged")


def test_what_differs_from_the_published_weights_is_told(params, monkeypatch):
    monkeypatch.setitem(sources.DIGESTS, "vgg16", sources.digests("vgg16", params))
    assert store.foreign_note("vgg16", params) is None
    changed = params | {"conv2_1/b": params["conv2_1/b"] + 1, "conv3_3/w": params["conv3_3/w"] * 2}
    note = store.foreign_note("vgg16", changed)
    assert "(2 of 14 digests differ: conv2_1/b, conv3_3/w)" in note
    note = store.foreign_note("vgg16", params | {"mean": np.float32([123, 117, 104])})
    assert note == "these are the Oxford VGG-16 weights but for their mean, which is 123, 117, 104"


@pytest.mark.parametrize("suffix", ["safetensors", "npz"])
@pytest.mark.parametrize("with_mean", [True, False])
def test_a_first_layer_of_the_other_order_is_turned_and_told(
    tmp_path, params, monkeypatch, suffix, with_mean
):
    monkeypatch.setitem(sources.DIGESTS, "vgg16", sources.digests("vgg16", params))
    arrays = params | {"conv1_1/w": np.ascontiguousarray(params["conv1_1/w"][:, :, ::-1])}
    if not with_mean:
        del arrays["mean"]
    path = tmp_path / f"w.{suffix}"
    save_file(arrays, path) if suffix == "safetensors" else np.savez(path, **arrays)
    _, found, remarks = store.read_network(path)
    np.testing.assert_array_equal(found["conv1_1/w"], params["conv1_1/w"])
    np.testing.assert_array_equal(found["mean"], params["mean"])
    note = store.foreign_note("vgg16", found, remarks)
    assert note == (
        "its first layer took BGR, unlike in such files, and was turned; now these are the Oxford "
        "VGG-16 weights, 14 digests agree"
    )


def test_half_precision_is_told(tmp_path, params):
    half = {key: array.astype(np.float16) for key, array in params.items()}
    save_file(half, tmp_path / "w.safetensors")
    _, found, remarks = store.read_network(tmp_path / "w.safetensors")
    np.testing.assert_array_equal(found["conv2_1/b"], half["conv2_1/b"].astype(np.float32))
    note = store.foreign_note("vgg16", found, remarks)
    assert note.startswith("its numbers are float16, half precision; these are not the Oxford")


def test_install_refuses_what_the_preset_could_not_run(tmp_path, params, cache):
    np.savez(tmp_path / "part.npz", **params)
    with pytest.raises(WeightsError, match="lacks arrays that vgg16 needs: conv4_1/w"):
        store.install(tmp_path / "part.npz")
    assert not cache.exists()


def test_weights_that_are_not_oxfords_are_a_warning(tmp_path, params, caplog):
    np.savez(tmp_path / "tuned.npz", **params)
    with caplog.at_level(logging.WARNING):
        store.load_params(TRACKER, tmp_path / "tuned.npz")
    assert len(caplog.records) == 1
    assert "these are not the Oxford VGG-16 weights (14 of 14" in caplog.text


# Refusals.


@pytest.mark.parametrize("suffix", ["safetensors", "npz"])
def test_wrong_arrays_are_named(tmp_path, params, suffix):
    path = tmp_path / f"w.{suffix}"

    def write(changes, without=()):
        arrays = {k: v for k, v in (params | changes).items() if k not in without}
        save_file(arrays, path) if suffix == "safetensors" else np.savez(path, **arrays)

    write({}, without=("conv2_1/b",))
    refused(path, "lacks", "conv2_1/b")
    write({"conv2_1/b": np.zeros(7, np.float32)})
    refused(path, "wrong shape", "conv2_1/b (7,) for (128,)")
    write({"conv1_1/w": np.zeros((3, 3, 4, 64), np.float32)})
    refused(path, "wrong shape", "conv1_1/w (3, 3, 4, 64) for (3, 3, 3, 64)")
    write({"conv2_1/b": np.full(128, np.nan, np.float32)})
    refused(path, "NaN or infinity in conv2_1/b")
    write({"conv2_1/b": np.full(128, 1e300)})
    refused(path, "NaN or infinity in conv2_1/b")
    write({"conv2_1/b": np.zeros(128, np.int32)})
    refused(path, "'conv2_1/b' holds int32")


def test_arrays_too_many_are_named_in_the_packages_own_format(tmp_path, params):
    save_file(params | {"conv9/w": np.zeros(1, np.float32)}, tmp_path / "w.safetensors")
    refused(tmp_path / "w.safetensors", "does not have: conv9/w")


def test_weights_of_another_network_are_named(tmp_path, params):
    save_file(params, tmp_path / "w.safetensors")
    refused(tmp_path / "w.safetensors", "holds vgg16 weights", tracker=presets.googlenet())
    np.savez(tmp_path / "other.npz", alpha=np.zeros(3, np.float32))
    refused(
        tmp_path / "other.npz",
        "no arrays of compact, narrow, googlenet, vgg16, siamfc: it has alpha",
    )


@pytest.mark.parametrize(("preset", "other"), [("fast", "compact"), ("compact", "narrow")])
def test_networks_of_one_form_are_told_apart_by_their_widths(preset, other):
    tracker = presets.by_name(preset)
    says = f"holds {other} weights, {tracker.backbone.name} weights are needed"
    refused(store.stored_path(other), says, tracker=tracker)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "is empty"),
        (b"<!DOCTYPE html>", "is a web page, saved in place of the file"),
        (b"version https://git-lfs.github.com/spec/v1\noid", "is a pointer of Git LFS"),
        (b"\xef\xbb\xbf <HTML>", "is a web page"),
        (b"<!-- a page -->", "is a web page"),
        (b"<?xml version='1.0'?><Error>", "is a web page"),
        (b"../.git/annex/objects/1/2", "git annex get"),
        (b"hello", "is no weights file: it is text that begins 'hello'"),
        (b'{"error": "not found"}', 'it is text that begins \'{"error": "not found"}\''),
        (b'name: "VGG_ILSVRC_16_layers"\n', "describes a network and holds no weights"),
        (b"\x1f\x8b\x08", "is gzip-compressed: unpack it first (gunzip weights.bin)"),
        (b"BZh9", "is bzip2-compressed"),
        (b"\xfd7zXZ\x00", "is xz-compressed"),
        (b"7z\xbc\xaf\x27\x1c", "is a 7z archive"),
        (bytes(600), "begins with zeros: its download did not end"),
        (b"\x08\x07\x12\x07pytorch", "is an ONNX model"),
        (b"\xde\xad\xbe\xef", "it begins with b'\\xde\\xad"),
        (b"\x0aname of nothing", "cannot be read as caffemodel"),
        (b"PK\x03\x04 broken", "damaged or incomplete zip"),
        (b"\x89HDF\r\n\x1a\n broken", "cannot be read as h5"),
        (
            b"MATLAB 5.0 MAT-file" + b" " * 105 + b"\x00\x01IM" + b"\x0f\0\0\0\x09\0\0\0xxxxxxxxx",
            "cannot be read as mat",
        ),
        (b"MATLAB 7.3 MAT-file", "'-v7'"),
        (struct.pack("<Q", 900) + b'{"a":', "cannot be read as safetensors"),
        (pickle.dumps({"a": 1}), "pickle, which is never loaded"),
        (b"\x93NUMPY\x01\x00", "single .npy"),
    ],
)
def test_what_is_no_weights_file_is_said(tmp_path, content, says):
    if says.endswith("h5"):
        pytest.importorskip("h5py")
    path = tmp_path / "weights.bin"
    path.write_bytes(content)
    refused(path, says)


def test_a_missing_file_and_a_folder_are_said(tmp_path):
    refused(tmp_path / "absent.npz", "cannot be opened: No such file")
    refused(tmp_path, "is no file")


def test_a_zip_of_something_else_is_said(tmp_path):
    with zipfile.ZipFile(tmp_path / "w.npz", "w") as archive:
        archive.writestr("readme.txt", "hello")
    refused(tmp_path / "w.npz", "neither .npz nor", "it holds readme.txt", "unzip w.npz")


@pytest.mark.parametrize("packed", ["zip", "tar", "gz", "tar.gz"])
def test_an_archive_around_weights_is_said(tmp_path, params, packed):
    inside, path = tmp_path / "vgg16.npz", tmp_path / f"w.{packed}"
    np.savez(inside, **params)
    if packed == "zip":
        with zipfile.ZipFile(path, "w") as archive:
            archive.write(inside, "vgg16.npz")
        refused(path, "is a zip archive", "it holds vgg16.npz", "unzip w.zip")
    elif packed == "gz":
        path.write_bytes(gzip.compress(inside.read_bytes()))
        refused(path, "is gzip-compressed", "gunzip w.gz")
    else:
        with tarfile.open(path, "w:gz" if packed == "tar.gz" else "w") as archive:
            archive.add(inside, "vgg16.npz")
        refused(path, "unpack it first")


def test_a_pickle_inside_npz_is_never_loaded(tmp_path, params):
    array = np.empty(1, object)
    array[0] = Code()
    path = tmp_path / "w.npz"
    np.savez(path, **params, evil=array)
    refused(path, "'evil' is a pickle", "can run code")


def test_code_inside_pth_is_never_run(tmp_path):
    torch = pytest.importorskip("torch")
    path = tmp_path / "w.pth"
    torch.save({"features.0.weight": torch.zeros(64, 3, 3, 3), "x": Code()}, path)
    refused(path, "more than tensors", "can run code")
    torch.save([torch.zeros(3)], path)
    refused(path, "holds a list, not a state_dict")


@pytest.mark.parametrize("zipped", [True, False])
def test_both_files_of_pytorch_are_read(tmp_path, params, zipped):
    torch = pytest.importorskip("torch")
    state = {k: torch.from_numpy(v) for k, v in weight_files.torch_state(params).items()}
    state["classifier.0.bias"] = torch.full((4,), torch.nan)
    path = tmp_path / "w.pth"
    torch.save({"state_dict": state}, path, _use_new_zipfile_serialization=zipped)
    loaded = store.load_params(TRACKER, path)
    np.testing.assert_array_equal(loaded["conv3_3/w"], params["conv3_3/w"])


def test_a_nested_checkpoint_is_read_and_what_is_beside_the_network_is_not(tmp_path, params):
    torch = pytest.importorskip("torch")
    state = {k: torch.from_numpy(v) for k, v in weight_files.torch_state(params).items()}
    wrapped = {f"module.backbone.{name}": tensor for name, tensor in state.items()}
    moments = {"state": {i: {"exp_avg": t} for i, t in enumerate(state.values())}, "groups": [1]}
    checkpoint = {"epoch": 3, "optimizer": moments, "ema": wrapped}
    for key in ("state_dict", "model_state_dict", "model", "net"):
        path = tmp_path / "w.pth"
        torch.save(checkpoint | {key: wrapped | {"module.classifier.0.bias": torch.ones(4)}}, path)
        found = store.read_network(path, "vgg16", "oxford").params
        assert found.keys() == params.keys()
        np.testing.assert_array_equal(found["conv3_3/w"], params["conv3_3/w"])
    torch.save(checkpoint, tmp_path / "w.pth")
    refused(
        tmp_path / "w.pth",
        "holds no arrays of compact, narrow, googlenet, vgg16, siamfc: it has ema.",
    )


def test_bfloat16_is_read(tmp_path, params):
    torch = pytest.importorskip("torch")
    state = {k: torch.from_numpy(v).bfloat16() for k, v in weight_files.torch_state(params).items()}
    torch.save(state, tmp_path / "w.pth")
    _, found, remarks = store.read_network(tmp_path / "w.pth", "vgg16", "oxford")
    expected = torch.from_numpy(params["conv2_1/b"]).bfloat16().float().numpy()
    np.testing.assert_array_equal(found["conv2_1/b"], expected)
    assert remarks == ["its numbers are bfloat16, half precision"]


def test_a_missing_extra_gives_the_pip_command(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "h5py", None)
    path = tmp_path / "w.h5"
    path.write_bytes(b"\x89HDF\r\n\x1a\n")
    refused(path, "pip install 'dslt-jax[convert]'")


# Damage, wherever it falls: a sentence, or arrays that the checks above then judge.


@pytest.mark.parametrize("kind", ["safetensors", "npz", "caffemodel", "mat"])
def test_damaged_files_never_do_more_than_say_so(tmp_path, kind):
    params = {"conv1_1/w": np.ones((3, 3, 3, 4), np.float32), "conv1_1/b": np.ones(4, np.float32)}
    path = tmp_path / f"w.{kind}"
    if kind == "safetensors":
        save_file(params, path)
    elif kind == "npz":
        np.savez_compressed(path, **params)
    elif kind == "caffemodel":
        path.write_bytes(weight_files.caffemodel(params))
    else:
        pytest.importorskip("scipy.io").savemat(path, {"layers": [{"name": "a", "filters": 1.0}]})
    content = path.read_bytes()
    generator = np.random.default_rng(0)
    refusals = 0
    for trial in range(150):
        damaged = bytearray(content)
        for _ in range(trial % 3 + 1):
            damaged[generator.integers(len(damaged))] = generator.integers(256)
        path.write_bytes(damaged[: generator.integers(1, len(damaged))] if trial % 2 else damaged)
        try:
            readers.read(path)
        except WeightsError as error:
            refusals += 1
            assert str(path) in str(error)
    assert refusals > 30
