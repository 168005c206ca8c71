"""A TraX client of `dslt vot trax`: python run_trax.py FRAMES.npy; prints JSON."""

import json
import subprocess
import sys

import numpy as np
from trax import TraxException
from trax.client import Client
from trax.image import MemoryImage
from trax.region import Mask, Polygon, Rectangle

COMMAND = [sys.executable, "-m", "dslt_jax", "vot", "trax", "--preset=mosse", "--nokeep_compiled"]


def start():
    pipe = subprocess.PIPE
    process = subprocess.Popen(COMMAND, stdin=pipe, stdout=pipe, stderr=pipe, bufsize=0)
    stream = process.stdin.fileno(), process.stdout.fileno()
    return process, Client(stream=stream, log=lambda text: None)


def bounds(answer):
    return [region.bounds() for region, _ in answer[0]]


if __name__ == "__main__":
    pictures = [{"color": MemoryImage.create(frame)} for frame in np.load(sys.argv[1])]
    process, client = start()
    box, other = Rectangle.create(40, 30, 24, 20), Rectangle.create(90, 60, 30, 30)
    polygon = Polygon.create([(40, 30), (64, 30), (64, 50), (40, 50)])
    mask = np.zeros((120, 160), np.uint8)
    mask[30:50, 40:64] = 1
    client.initialize(pictures[0], [(box, {})], {})
    told = {"name": client.tracker_name, "found": bounds(client.frame(pictures[1], {}, []))}
    client.initialize(pictures[0], [(polygon, {}), (Mask.create(mask), {})], {})
    told["regions"] = bounds(client.frame(pictures[1], {}, [(other, {})]))
    client.quit()
    told["status"] = [process.wait(30)]

    process, client = start()
    try:
        client.initialize(pictures[0], [(Rectangle.create(900, 900, 5, 5), {})], {})
    except TraxException as error:
        told["refused"] = str(error)
    told["status"] += [process.wait(30)]
    told["said"] = process.stderr.read().decode()
    print(json.dumps(told))
