"""Computes fHOG features with dlib and stores what it says.

Run where `pip install pyfhog` has been done (0.1.5, dlib's `extract_fhog_features`):
    python tests/goldens/make_hog.py
It writes hog.npz beside itself: an image, and for each cell size the features of the cells where
dlib and `ops.hog` define the same, of the image and of its first channel.
"""

from pathlib import Path

import numpy as np

CELLS = (4, 6, 8)
SIDE = 48  # square: pyfhog 0.1.5 reads other images out of bounds


def tied(image: np.ndarray) -> bool:
    """Returns whether the two longest gradients of some pixel inside are the same length."""
    y, x = np.gradient(image.astype(float), axis=(0, 1))
    lengths = np.sort((x**2 + y**2)[1:-1, 1:-1], axis=-1)
    return bool((lengths[..., -1] == lengths[..., -2]).any())


def draw() -> np.ndarray:
    """Returns an image (48, 48, 3) uint8 without the ties that dlib and `ops.hog` break apart.

    Pixels two columns apart differ by an odd number, so that no gradient is vertical: that is
    halfway between two directions.
    """
    rng = np.random.default_rng(0)
    odd = (np.arange(SIDE) // 2 % 2)[None, :, None]
    image = np.zeros((SIDE, SIDE, 3))
    while tied(image):
        image = 2 * rng.integers(0, 128, (SIDE, SIDE, 3)) + odd
    return image.astype(np.uint8)


def features(image: np.ndarray, cell: int) -> np.ndarray:
    """Returns dlib's features (cells, cells, 31), without a border two cells wide.

    dlib leaves out the border cells; the next ones are normalised by them, and dlib does not scale
    them by 8/7.
    """
    from pyfhog import extract_fhog_features

    blue_first = np.ascontiguousarray(image[..., ::-1])
    cells = SIDE // cell - 2
    values = extract_fhog_features(blue_first, cell).reshape(cells, cells, 31)
    return values[1:-1, 1:-1].astype(np.float32)


def main() -> None:
    image = draw()
    grey = np.repeat(image[..., :1], 3, axis=-1)
    table = {f"color_{cell}": features(image, cell) for cell in CELLS}
    table |= {f"grey_{cell}": features(grey, cell) for cell in CELLS}
    np.savez_compressed(Path(__file__).with_name("hog.npz"), image=image, **table)


if __name__ == "__main__":
    main()
