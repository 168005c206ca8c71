"""Where the networks' weights were published, and the digests that prove them."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np


class Source(NamedTuple):
    """A published file."""

    title: str
    url: str
    size: int  # bytes
    sha256: str


# Addresses: the model's gist (ksimonyan, 211839e770f7b538e2d8) and models/bvlc_googlenet/readme.md
# of BVLC/caffe. Sizes and sha256: models/public/{vgg16,googlenet-v1}/model.yml of OpenVINO's Open
# Model Zoo, which names the same addresses.
SOURCES = {
    "vgg16": Source(
        "Oxford VGG-16",
        "https://www.robots.ox.ac.uk/~vgg/software/very_deep/caffe/VGG_ILSVRC_16_layers.caffemodel",
        553432081,
        "a6196bc498e45ea4cb2637114ae8db9410cf1556fd60a55ae93272371beba197",
    ),
    "googlenet": Source(
        "BVLC GoogLeNet",
        "http://dl.caffe.berkeleyvision.org/bvlc_googlenet.caffemodel",
        53533754,
        "6f7101e3a2183738a7125a0c5021ba82a1feb4228c5ca0924d991b6daf6f6fad",
    ),
}

# `digests` of the networks in the package's form (HWIO, first layer RGB): VGG-16 an array a line,
# GoogLeNet, up to inception_4e, a module a line.
DIGESTS = {
    "vgg16": {
        "conv1_1/w": "0b1cf41d353ae96b186f2cffb6c17b5c89578e1cbaca2570f01bd29b1ae4bff3",
        "conv1_1/b": "39b777679d117e1bf0b5d10f7aa39a06a5b7c2419d37ef018f2dcce04b2b1f4b",
        "conv1_2/w": "e0726ea150fbc302519bc612216965b73e54e06edf4eee18bbf3275b2bb5fe8a",
        "conv1_2/b": "02b83a47ae29c4f36f5882286297445b4f1de63236e57c2fd2e1a4d92efaaad3",
        "conv2_1/w": "a5afaf85c57ef8bc57b1a6f836f028803c43db7d5a273804c2209940abd63e3a",
        "conv2_1/b": "0bae357e418c37c926b64dd9891c123a9cdba0c5aea6c571b723be9fbe31c6ba",
        "conv2_2/w": "301ed9e0f016731a0d40c24d85e64722411d60e71f6abbbfa54b067d37f7ac24",
        "conv2_2/b": "a557d3ffcd15035c8eba506716060701d0f7a8a0c0bdc4428cb048fc864726bc",
        "conv3_1/w": "475259f3d0b67228b8ca3ee86d8886aafd426de9c105c313536a3e5a7e2dc21b",
        "conv3_1/b": "9c0511e766da165a93e405cca152c62ecf04537a313f59692d843341a6609dc4",
        "conv3_2/w": "849222494fc38d91b48c3ecbf926902b00ac948ad320d0e090adcdf7e8d0c4ea",
        "conv3_2/b": "fb0bd38723825fda7dc2d0420e006c735d5ff2ddba28cc6b8afab52ab532c084",
        "conv3_3/w": "c5477b3e8acd8b06a0bb61a911ab8ee8a6d170ee0a472be10e11a34d348a90e1",
        "conv3_3/b": "1e266025a896e451e18e82c9dbc566f937c8d472d5ea26144371652db5fbaee7",
        "conv4_1/w": "3b47a57c89a0830ba1d9254b04294d19672cbaaf13b6435468a667c3e8d44719",
        "conv4_1/b": "7c4bb9644cdd0b5597f4bfb4613fdc9603672956330af6931b2a62700b5085ae",
        "conv4_2/w": "5bc77036717f670f9a60c3eaaedb99dd20b0ad724b3d9a726d98136f37df6926",
        "conv4_2/b": "104bbb00dd5c08ad1cb9fa0f334e68d543335d35f953f1710a97841db9cb7932",
        "conv4_3/w": "30b04aee37776be57ea02a6b3f675f558fa112be093ad04bb154cdba40972217",
        "conv4_3/b": "c5b74eb9033f318179fdcdba8050376c2864b14e8e4db897a32a872eb9bdf27b",
        "conv5_1/w": "0762da95abcd9bb50e3f8f3ceb92896248acb11c915560ebff9986d8c0feef6b",
        "conv5_1/b": "358765a638d307302043c63d2b9db87868e45a3815bcf77e275dedbb03a619e6",
        "conv5_2/w": "23b9a3044d08e6dc9505eef72e287a3761d5244abc52aa64ba1d4242517f22a3",
        "conv5_2/b": "df27c8839fc4aff5094536eab4fab56007ba03dc80b33743d1f455d6e912e32e",
        "conv5_3/w": "4658b83cf8520e863527595824183c7bfc09b29705178e2b95929445a617a403",
        "conv5_3/b": "be2107dcffff80e6098e0fb344dbce3c2939674ad1f510d2987bce51fb16304a",
    },
    "googlenet": {
        "conv1": "8241810eac6d59a8080c3c536900290e1a2a9f4dadb06f7544c9cc3b6a45581b",
        "conv2": "63fd1d00b2b05703233dd2fa0ab9f719504c45dc82c6cbde77f1aebf06d1d40a",
        "inception_3a": "01fca7c7c059743751a6508ab161d0bca17a58e41d29900ab07f539ff4b743b7",
        "inception_3b": "1d0d6cce923046320f58a5fe7c737c890ac07153c8dc7710fd72d1977aa17a1d",
        "inception_4a": "b997e7d839ff2903f401332b8cbd2482510de6c4571dc308aea9165269ef47f5",
        "inception_4b": "93d694731a11bc33f3abf5813011df4a1a9eb893ef3ccf7b824982d29e345cb8",
        "inception_4c": "b963c6574656b13d5ea49a5ab988f8644899f29ef83a9d205a2734a5d6f18025",
        "inception_4d": "b1358ef1bff78e75dc66230f3b009b2ce37a5a28348b89a691eb6ed95aacb0cc",
        "inception_4e": "0fd231a4278e895253fa897a56d390401f22df7cbeffe45751590683f07193d4",
    },
}


def file_sha256(path: Path) -> str:
    """Returns the sha256 of a file; raises OSError."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def digests(backbone: str, params: Mapping[str, np.ndarray]) -> dict[str, str]:
    """Returns the sha256 of every group of `params` that DIGESTS has a line for.

    A group is one array (vgg16) or one module's arrays in the order of their names (googlenet).
    """
    groups: dict[str, list[str]] = {}
    for key in sorted(params):
        group = key if backbone == "vgg16" else key.split("/")[0]
        if group in DIGESTS.get(backbone, {}):
            groups.setdefault(group, []).append(key)
    return {
        group: hashlib.sha256(b"".join(_npy_bytes(params[key]) for key in keys)).hexdigest()
        for group, keys in groups.items()
    }


def differing(backbone: str, params: Mapping[str, np.ndarray]) -> list[str]:
    """Returns the groups of `params` that are not the published weights."""
    known = DIGESTS.get(backbone, {})
    return [group for group, digest in digests(backbone, params).items() if digest != known[group]]


def _npy_bytes(array: np.ndarray) -> bytes:
    """The array as the .npy file that numpy wrote before 1.14, for which the digests were taken.

    Its header is padded to a multiple of 16 bytes, today's to 64.
    """
    header = f"{{'descr': '<f4', 'fortran_order': False, 'shape': {array.shape}, }}"
    header += " " * (16 - (len(header) + 11) % 16) + "\n"
    length = len(header).to_bytes(2, "little")
    return b"\x93NUMPY\x01\x00" + length + header.encode() + array.astype("<f4").tobytes()
