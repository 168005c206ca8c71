import hashlib
import io
import logging
import pathlib
import types

import numpy as np
import pytest
import weight_files

from dslt_jax import presets
from dslt_jax.backbones import GoogLeNet, vgg16
from dslt_jax.weights import caffemodel, convert, readers, sources, store

SHARED = pathlib.Path(__file__).parents[2] / ".." / "shared" / "weights"
# All that `load_params` asks of a tracker.
VGG = types.SimpleNamespace(backbone=vgg16.Vgg16(("conv3_3",)))
GOOGLENET = types.SimpleNamespace(backbone=GoogLeNet(("3a",)))
DENSE = ("fc6", np.ones((5, 7), np.float32), np.ones(5, np.float32))


@pytest.fixture(scope="module")
def vgg():
    return weight_files.random_params(VGG.backbone.param_shapes())


@pytest.fixture(scope="module")
def googlenet():
    return weight_files.random_params(GOOGLENET.backbone.param_shapes())


def assert_same(loaded, params):
    assert {key for key in loaded if not key.endswith("/winograd")} == params.keys()
    for key, array in params.items():
        assert loaded[key].dtype == np.float32
        np.testing.assert_array_equal(loaded[key], array, err_msg=key)


def data(name):
    if not (SHARED / name).exists():
        pytest.skip(f"third-party weights {name} are not here")
    return SHARED / name


# Each source's file of the same network comes to the same parameters, bit by bit.


@pytest.mark.parametrize("old", [True, False])
def test_caffemodel(tmp_path, vgg, googlenet, old):
    path = tmp_path / "net.caffemodel"
    path.write_bytes(weight_files.caffemodel(vgg, old=old, extra=[DENSE]))
    assert_same(store.load_params(VGG, path), vgg)
    path.write_bytes(weight_files.caffemodel(googlenet, old=old, extra=[DENSE]))
    assert_same(store.load_params(GOOGLENET, path), googlenet)


def test_oihw_npz_is_caffes(tmp_path, googlenet):
    arrays = {}
    for name, kernel, bias in weight_files.caffe_kernels(googlenet):
        arrays |= {f"{name}/w": kernel, f"{name}/b": bias}
    np.savez(tmp_path / "net.npz", **arrays)
    assert_same(store.load_params(GOOGLENET, tmp_path / "net.npz"), googlenet)


def test_npz_of_the_package_and_of_frossard(tmp_path, vgg):
    path = tmp_path / "net.npz"
    np.savez_compressed(path, **vgg)
    assert_same(store.load_params(VGG, path), vgg)
    named = {k.replace("/w", "_W").replace("/b", "_b"): v for k, v in vgg.items() if k != "mean"}
    np.savez(path, **named, fc6_W=DENSE[1], fc6_b=DENSE[2])
    assert_same(store.load_params(VGG, path), vgg)


@pytest.mark.parametrize("form", ["weights", "filters"])
@pytest.mark.parametrize("compressed", [True, False])
def test_matconvnet(tmp_path, vgg, form, compressed):
    io_ = pytest.importorskip("scipy.io")
    records = []
    for name in weight_files.layers(vgg):
        kernel, bias = vgg[f"{name}/w"], vgg[f"{name}/b"][None]
        if form == "weights":
            cell = np.empty((1, 2), object)
            cell[0, 0], cell[0, 1] = kernel, bias
            records.append({"name": name, "type": "conv", "weights": cell})
        else:
            records.append({"name": name, "type": "conv", "filters": kernel, "biases": bias})
        records.append({"name": name.replace("conv", "relu"), "type": "relu"})
    layers = np.empty((1, len(records)), object)
    layers[0] = records
    path = tmp_path / "net.mat"
    io_.savemat(path, {"layers": layers, "meta": {"x": 1.0}}, do_compression=compressed)
    assert_same(store.load_params(VGG, path), vgg)


@pytest.mark.parametrize("group", ["", "model_weights/"])
def test_keras(tmp_path, vgg, group):
    h5py = pytest.importorskip("h5py")
    path = tmp_path / "net.h5"
    with h5py.File(path, "w") as file:
        for name in weight_files.layers(vgg):
            layer = f"block{name[4]}_conv{name[6]}"
            kernel = vgg[f"{name}/w"]
            kernel = kernel[:, :, ::-1] if name == "conv1_1" else kernel
            file[f"{group}{layer}/{layer}_W_1:0"] = kernel
            file[f"{group}{layer}/{layer}_b_1:0"] = vgg[f"{name}/b"]
        file[f"{group}fc1/fc1_W_1:0"] = DENSE[1]
        file.create_group(f"{group}block1_pool")
    assert_same(store.load_params(VGG, path), vgg)


def test_torchvision_comes_to_the_same_features_at_the_border_too(tmp_path, vgg):
    """Features by torchvision's own preprocessing and PyTorch's convolution, zeros around."""
    torch = pytest.importorskip("torch")
    state = weight_files.torch_state(vgg)
    state["classifier.0.bias"] = DENSE[2]
    path = tmp_path / "vgg16-397923af.pth"
    torch.save({k: torch.from_numpy(v) for k, v in state.items()}, path)
    params = store.load_params(VGG, path)
    image = np.random.default_rng(0).uniform(0, 255, (1, 8, 8, 3)).astype(np.float32)
    mean, deviation = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
    x = torch.from_numpy((image / 255 - mean) / deviation).permute(0, 3, 1, 2).float()
    for name in vgg16.convolutions("conv3_3"):
        if name in ("conv2_1", "conv3_1"):
            x = torch.nn.functional.max_pool2d(x, 2)
        index = weight_files.TORCH_INDEX[name]
        kernel, bias = (
            torch.from_numpy(state[f"features.{index}.{k}"]) for k in ("weight", "bias")
        )
        x = torch.relu(torch.nn.functional.conv2d(x, kernel, bias, padding=1))
    ours = VGG.backbone.apply(params, image)[0]
    theirs = x.permute(0, 2, 3, 1).numpy()
    np.testing.assert_allclose(ours, theirs, rtol=1e-3, atol=1e-4 * theirs.max())


def _converted(arrays, preprocessing=None):
    return convert.convert("vgg16", arrays, preprocessing)


def test_amdegroots_weights_keep_their_scale_and_mean(vgg):
    amdegroot = weight_files.torch_state(vgg, prefix="") | {"31.weight": np.ones((1, 1, 1, 1))}
    features = weight_files.torch_state(vgg) | {"classifier.0.bias": np.full(3, np.nan)}
    for arrays in (amdegroot, features):
        params = _converted(arrays)
        np.testing.assert_array_equal(params["mean"], np.float32([123, 117, 104]))
        np.testing.assert_array_equal(params["conv1_1/w"], vgg["conv1_1/w"])


@pytest.mark.parametrize(
    "prefix",
    ["module.", "model.", "backbone.", "state_dict.", "module.model.backbone.", "model/", "vgg16."],
)
def test_what_a_checkpoint_wraps_its_names_in_is_left_out(vgg, googlenet, prefix):
    def wrapped(arrays):
        return {prefix + name: array for name, array in arrays.items()}

    assert convert.recognise(wrapped(vgg)) == "vgg16"
    assert_same(_converted(wrapped(vgg)), vgg)
    assert convert.recognise(wrapped(googlenet)) == "googlenet"
    assert_same(convert.convert("googlenet", wrapped(googlenet)), googlenet)
    for state in (weight_files.torch_state(vgg), weight_files.torch_state(vgg, prefix="")):
        with_head = state | {"classifier.0.bias": np.full(3, np.nan)}
        np.testing.assert_array_equal(_converted(wrapped(with_head))["conv3_3/w"], vgg["conv3_3/w"])


def test_two_networks_in_one_file_are_told(vgg):
    arrays = vgg | {"module.conv2_1/b": vgg["conv2_1/b"]}
    with pytest.raises(readers.WeightsError, match="two of its arrays may be 'conv2_1/b'"):
        convert.recognise(arrays)


@pytest.mark.parametrize(
    ("name", "indices"),
    [
        ("VGG-19", (0, 2, 5, 7, 10, 12, 14, 16, 19, 21, 23, 25, 28, 30, 32, 34)),
        ("VGG-13", (0, 2, 5, 7, 10, 12, 15, 17, 20, 22)),
        ("VGG-11", (0, 3, 6, 8, 11, 13, 16, 18)),
    ],
)
def test_pytorchs_other_vggs_are_named(name, indices):
    arrays = {f"features.{i}.weight": np.zeros((1, 1, 3, 3), np.float32) for i in indices}
    with pytest.raises(readers.WeightsError, match=f"these are {name}'s weights, VGG-16's are"):
        _converted(arrays, "torchvision")
    arrays |= {"features.1.running_mean": np.zeros(1, np.float32)}
    with pytest.raises(readers.WeightsError, match="batch normalisation"):
        _converted(arrays, "torchvision")


def test_keras_and_frossards_vgg19_are_named(vgg):
    kernel = vgg["conv3_3/w"]
    for arrays in ({"block3_conv4/kernel": kernel}, {"conv3_4_W": kernel}, {"conv3_4/w": kernel}):
        with pytest.raises(readers.WeightsError, match="VGG-19"):
            _converted(arrays)


def test_a_preprocessing_that_cannot_be_told_is_asked_for(vgg):
    arrays = weight_files.torch_state(vgg)
    with pytest.raises(readers.WeightsError, match="--preprocessing oxford or ssd or torchvision"):
        _converted(arrays)
    assert_same(_converted(arrays, "oxford"), vgg)
    scaled = _converted(arrays, "torchvision")
    np.testing.assert_allclose(
        scaled["conv1_1/w"][0, 0, :, 0] * (58.395, 57.12, 57.375),
        vgg["conv1_1/w"][0, 0, :, 0],
        1e-6,
    )


@pytest.mark.parametrize("order", ["RGB", "BGR"])
def test_oxfords_first_layer_settles_order_and_preprocessing(vgg, monkeypatch, order):
    known = sources.digests("vgg16", vgg)
    monkeypatch.setitem(sources.DIGESTS, "vgg16", known)
    arrays = weight_files.torch_state(vgg)
    if order == "BGR":
        arrays["features.0.weight"] = arrays["features.0.weight"][:, ::-1]
    assert_same(_converted(arrays), vgg)
    told = ["its first layer took BGR, unlike in such files, and was turned"]
    assert convert.remarks("vgg16", arrays) == (told if order == "BGR" else [])
    caffe = {f"{name}/w": kernel for name, kernel, _ in weight_files.caffe_kernels(vgg)}
    assert convert.remarks("vgg16", caffe) == []
    caffe["conv1_1/w"] = caffe["conv1_1/w"][:, ::-1]
    assert convert.remarks("vgg16", caffe) == [told[0].replace("BGR", "RGB")]


def test_float16_and_float64_become_float32(vgg):
    half = {k: v.astype(np.float16) for k, v in vgg.items()}
    assert_same(_converted(half), {k: v.astype(np.float32) for k, v in half.items()})
    assert_same(_converted({k: v.astype(np.float64) for k, v in vgg.items()}), vgg)


def test_integers_and_vgg19_are_refused(vgg):
    with pytest.raises(readers.WeightsError, match="'conv2_1/b' holds int64"):
        _converted(vgg | {"conv2_1/b": np.zeros(128, np.int64)})
    with pytest.raises(readers.WeightsError, match="VGG-19"):
        _converted(vgg | {"conv3_4/w": vgg["conv3_3/w"]})


# The wire format.


def test_caffemodel_reads_unpacked_and_double_numbers():
    def blob(content):
        blobs = b"".join(b"\x3a" + bytes([len(c)]) + c for c in (content, content))
        layer = b"\x0a\x01c" + blobs
        return memoryview(b"\xa2\x06" + bytes([len(layer)]) + layer)

    numbers = np.array([1.5, -2.0], "<f4")
    dimensions = b"\x08\x01\x10\x01\x18\x01\x20\x02"  # num, channels, height, width
    unpacked = b"".join(b"\x2d" + number.tobytes() for number in numbers)
    arrays = caffemodel.read(blob(dimensions + unpacked))
    np.testing.assert_array_equal(arrays["c/w"], numbers.reshape(1, 1, 1, 2))
    np.testing.assert_array_equal(arrays["c/b"], numbers)
    double = b"\x3a\x02\x08\x02\x42\x10" + numbers.astype("<f8").tobytes()  # unpacked shape
    np.testing.assert_array_equal(caffemodel.read(blob(double))["c/b"], numbers)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"\xa2\x06\x7fabc", "cut short"),
        (b"\xa2\x06" + b"\xff" * 12, "does not end"),
        (b"\x0b\x01", "starts no protobuf field"),
        (b"\xa2\x06\x0c\x3a\x0a\x08\x02\x10\x01\x18\x01\x20\x01\x2a\x00", "holds 0 numbers"),
    ],
)
def test_a_damaged_caffemodel_is_a_sentence(content, says):
    with pytest.raises(ValueError, match=says):
        caffemodel.read(memoryview(content))


def test_every_cut_of_a_caffemodel_is_noticed_or_lacks_layers(googlenet):
    content = weight_files.caffemodel(googlenet)
    whole = caffemodel.read(memoryview(content)).keys()
    for end in np.linspace(1, len(content) - 1, 40, dtype=int):
        try:
            assert caffemodel.read(memoryview(content[:end])).keys() < whole
        except ValueError as error:
            assert "byte" in str(error)


# Digests.


@pytest.mark.parametrize(("shape", "size"), [((3, 3, 256, 512), 4718688), ((512,), 2128)])
def test_npy_bytes_have_the_published_size_and_are_read_by_numpy(shape, size):
    array = np.arange(np.prod(shape), dtype=np.float32).reshape(shape)
    content = sources._npy_bytes(array)
    assert len(content) == size
    np.testing.assert_array_equal(np.load(io.BytesIO(content)), array)


def test_digests_of_conv4_and_conv5_are_the_published_ones():
    for line in data("vgg16_conv4_conv5_npy_sha256.txt").read_text().splitlines():
        layer, kind, _, digest, *_ = line.split()
        assert sources.DIGESTS["vgg16"][f"{layer}/{kind.lower()}"] == digest.split(":")[1]


def test_digests_tell_a_changed_array(vgg):
    assert sources.differing("vgg16", vgg) == sorted(k for k in vgg if k != "mean")
    assert (
        hashlib.sha256(sources._npy_bytes(vgg["conv1_1/b"])).hexdigest()
        == (sources.digests("vgg16", vgg)["conv1_1/b"])
    )


def test_the_real_weights_are_verified(caplog):
    with caplog.at_level(logging.WARNING):
        vgg = store.load_params(VGG, data("vgg16_conv1_to_conv3_hwio.npz"))
        path = data("googlenet_bvlc_to_4e_oihw.npz")
        googlenet = store.load_params(presets.googlenet(), path)
    assert not caplog.records
    assert not sources.differing("vgg16", {k: np.asarray(v) for k, v in vgg.items()})
    raw = np.load(path)["conv1/7x7_s2/w"]
    np.testing.assert_array_equal(googlenet["conv1/7x7_s2/w"][2, 5, 0], raw[:, 2, 2, 5])
