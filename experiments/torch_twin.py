"""The compact tracker's step in PyTorch, from the crops on: the twin that ours is timed against.

Same network, reduction, transforms, loss and number of Adam steps, written as one would write them
in PyTorch: convolutions in channels-last, `torch.optim.Adam` with a rate per branch, autograd
through `torch.fft`. It starts from our state and must give our numbers.
"""

import functools
from collections.abc import Callable

import jax
import numpy as np
import torch
from torch.nn import functional

from dslt_jax import backbones, localize, tracker
from dslt_jax import regression as head
from dslt_jax.backbones import compact
from dslt_jax.config import TrackerConfig

TOLERANCE = 1e-3  # of the largest value; rounding, amplified by a few Adam steps


class Twin:
    """Holds the state that a step changes: box, kernels, optimiser and memory."""

    def __init__(self, config: TrackerConfig, params: dict, state: tracker.State):
        self.config = config
        on_gpu = jax.default_backend() == "gpu" and torch.cuda.is_available()
        self.device = torch.device("cuda" if on_gpu else "cpu")
        self.weights = {
            key: self.tensor(value)
            .permute(3, 2, 0, 1)
            .contiguous(memory_format=torch.channels_last)
            if key.endswith("/w")
            else self.tensor(value)
            for key, value in params.items()
            if not key.startswith("box/")
        }
        self.grid = config.search_size // backbones.strides(config)[0]
        self.reductions = [tuple(map(self.tensor, part)) for part in state.reductions]
        self.center, self.size = self.tensor(state.center), self.tensor(state.size)
        self.cells = self.tensor(state.cells)
        self.mask = self.tensor(state.head.mask)
        memory = state.memory
        self.spectra, self.labels = self.tensor(memory.spectra), self.tensor(memory.labels)
        self.sample_weights, self.stored = self.tensor(memory.weights), int(memory.stored)
        middle = np.full(2, self.grid / 2)
        self.prior = self.gaussian(
            self.tensor(middle), config.motion_sigma * self.cells.prod().sqrt().repeat(2)
        )
        self.factors = self.tensor(localize.scale_factors(config.num_scales, config.scale_step))
        self.kernels = [
            torch.nn.Parameter(part.contiguous())
            for part in self.tensor(state.head.kernel).split(config.channels)
        ]
        rates = (config.update_lr_shallow, config.update_lr_deep)
        self.adam = torch.optim.Adam(
            [{"params": [k], "lr": lr} for k, lr in zip(self.kernels, rates, strict=True)],
            betas=(config.adam_b1, config.adam_b2),
        )
        moments = state.head.optimizer
        first, second = (
            self.tensor(part).split(config.channels) for part in (moments.mu, moments.nu)
        )
        for kernel, mean, square in zip(self.kernels, first, second, strict=True):
            self.adam.state[kernel] = {
                "step": torch.tensor(float(moments.count)),
                "exp_avg": mean.clone(),
                "exp_avg_sq": square.clone(),
            }

    def tensor(self, array) -> torch.Tensor:
        array = np.array(array)
        return torch.from_numpy(
            array.astype(np.complex64 if np.iscomplexobj(array) else np.float32)
        ).to(self.device)

    def step(self, patch, patches) -> dict[str, torch.Tensor]:
        """Takes the search crop (S, S, 3) and the scale crops (n, s, s, 3)."""
        config, grid = self.config, self.grid
        with torch.inference_mode():
            spectrum = self.transform(self.network(patch[None]))
            response = self.respond(self.kernel(), spectrum, grid)[0]
            position, confidence = self.peak(response)
            side = config.search_size / config.target_size * self.size.prod().sqrt()
            center = self.center + (position - grid / 2) * side / grid
            features = self.network(patches)
            cells = features[0].shape[-1]
            responses = self.respond(self.kernel(), self.transform(features), cells)
            best = self.best_scale(responses)
            factor = 1 + config.scale_damping * (self.factors[best] - 1)
            if confidence >= config.scale_confidence:
                self.size = self.size * factor
            self.center = center
            self.remember(spectrum[0], self.gaussian(position, config.label_sigma * self.cells))
        before, after = self.update()
        box = torch.cat([center - self.size / 2, self.size])
        return {"response": response, "box": box, "before": before, "after": after}

    def network(self, images) -> tuple[torch.Tensor, torch.Tensor]:
        x = (images.permute(0, 3, 1, 2) - 128.0) / 64.0
        maps = {}
        for name, (inputs, outputs, stride) in compact.BLOCKS.items():
            y = torch.relu_(self.conv(x, name, stride=stride, padding=1))
            x = x + y if inputs == outputs else y
            maps[name] = x
        return self.conv(maps["stage3/block"], "shallow"), self.conv(x, "deep")

    def conv(self, x, name: str, **options) -> torch.Tensor:
        return functional.conv2d(x, self.weights[f"{name}/w"], self.weights[f"{name}/b"], **options)

    def transform(self, maps) -> torch.Tensor:
        low, high = (
            functional.conv2d(x - mean[:, None, None], basis.T[:, :, None, None])
            for x, (mean, basis) in zip(maps, self.reductions, strict=True)
        )
        high = functional.interpolate(high, low.shape[-2:], mode="bilinear")
        fused = self.config.shallow_weight * low + self.config.deep_weight * high
        size = head.fft_size(self.config, low.shape[-1])
        return torch.fft.rfft2(torch.cat([fused, high], 1).contiguous(), (size, size))

    def kernel(self) -> torch.Tensor:
        return torch.cat(self.kernels)

    def respond(self, kernel, spectra, grid: int) -> torch.Tensor:
        size, k = spectra.shape[-2], kernel.shape[-1]
        canvas = functional.pad(kernel, (0, size - k, 0, size - k))
        canvas = canvas.roll((-(k // 2), -(k // 2)), (1, 2))
        product = (torch.fft.rfft2(canvas).conj() * spectra).sum(1)
        return torch.fft.irfft2(product, (size, size))[:, :grid, :grid]

    def peak(self, response) -> tuple[torch.Tensor, torch.Tensor]:
        grid = self.grid
        row, column = divmod(int((response * self.prior).argmax()), grid)
        position = torch.tensor([column, row], dtype=torch.float32, device=self.device)
        if 0 < row < grid - 1 and 0 < column < grid - 1:
            lines = response[row, column - 1 : column + 2], response[row - 1 : row + 2, column]
            position += torch.stack([self.vertex(*line) for line in lines])
        return position, response[row, column]

    def vertex(self, left, middle, right) -> torch.Tensor:
        curvature = left - 2 * middle + right
        shift = (0.5 * (left - right) / curvature).clip(-0.5, 0.5)
        return torch.where(curvature < 0, shift, torch.zeros_like(shift))

    def best_scale(self, responses) -> int:
        count, low = len(responses), responses.shape[-1] // 2 - 1
        score = responses[:, low : low + 3, low : low + 3].amax((1, 2))
        change = (torch.arange(count, device=self.device) - count // 2).abs()
        return int((score * self.config.scale_penalty**change).argmax())

    def gaussian(self, center, sigma) -> torch.Tensor:
        cells = torch.arange(self.grid, device=self.device)
        x, y = torch.exp(-0.5 * ((cells[:, None] - center) / sigma) ** 2).T
        return y[:, None] * x[None, :]

    def remember(self, spectrum, label) -> None:
        config, slots = self.config, len(self.sample_weights)
        slot = 1 + (self.stored - 1) // config.memory_interval % (slots - 1)
        self.spectra[slot], self.labels[slot] = spectrum, label
        self.sample_weights[0], self.sample_weights[slot] = config.first_weight, 1.0
        self.stored += 1

    def loss(self) -> torch.Tensor:
        config, kernel = self.config, self.kernel()
        error = self.respond(kernel, self.spectra, self.grid) - self.labels
        shrink = torch.sigmoid(config.loss_a * (error.abs() - config.loss_c))
        loss = error.square() * shrink * torch.exp(config.importance * self.labels)
        loss = (self.sample_weights * loss.sum((1, 2))).sum() / self.sample_weights.sum()
        return loss + config.weight_decay * kernel.square().sum()

    def update(self) -> list[torch.Tensor]:
        """Returns the loss at the first and at the last step."""
        losses = []
        for _ in range(self.config.update_steps):
            self.adam.zero_grad()
            loss = self.loss()
            loss.backward()
            self.adam.step()
            with torch.no_grad():
                for kernel in self.kernels:
                    kernel.mul_(self.mask)
            losses.append(loss.detach())
        return [losses[0], losses[-1]]


def advance(config, params, state, frame):
    """One step of ours from the crops on, and the crops."""
    limits = np.array([frame.shape[1], frame.shape[0]], np.float32)
    patch = tracker._look(config, frame, state.center, state.size)
    sight = tracker._search(config, params, state, patch, limits)
    patches = tracker._zoom(config, frame, sight.center, state.size)
    return *tracker._learn(config, params, state, sight, patches, limits), patch, patches


def largest_difference(config, params, frames, box, steps: int = 4) -> float:
    """Runs both for a few frames on the same crops and returns their largest relative difference.

    Args:
      config: of the compact network; every frame must teach, as the twin has no such gate.

    Raises:
      ValueError: it is more than rounding, so that the twin would not be one.
    """
    state = tracker.init(config, params, frames[0], box)
    twin, largest = Twin(config, params, state), 0.0
    for frame in frames[1 : steps + 1]:
        state, out, *crops = advance(config, params, state, frame)
        theirs = twin.step(*map(twin.tensor, crops))
        ours = {
            "response": out.response,
            "box": out.box,
            "before": out.loss_before,
            "after": out.loss_after,
            "kernel": state.head.kernel,
        }
        theirs["kernel"] = twin.kernel().detach()
        for name, value in ours.items():
            error = np.abs(np.asarray(value) - theirs[name].cpu().numpy()).max()
            difference = float(error / np.abs(value).max())
            if not difference <= TOLERANCE:
                raise ValueError(f"the twin's {name} differs by {difference:.1e} of its size")
            largest = max(largest, difference)
    return largest


def calls(config, params, frames, box) -> dict[str, Callable]:
    """Returns one step of ours and of the twin, from the same crops, ready to be timed.

    The twin comes with all threads and with one: a small network is not always faster with more.
    """
    state = tracker.init(config, params, frames[0], box)
    _, _, patch, patches = advance(config, params, state, frames[1])
    limits = np.array([frames[1].shape[1], frames[1].shape[0]], np.float32)
    twin = Twin(config, params, state)
    crops = twin.tensor(patch), twin.tensor(patches)

    def ours():
        sight = tracker._search(config, params, state, patch, limits)
        return tracker._learn(config, params, state, sight, patches, limits)[1].box

    def theirs(threads: int):
        torch.set_num_threads(threads)
        return twin.step(*crops)["box"].cpu().numpy()

    counts = sorted({1, torch.get_num_threads()}, reverse=True)
    names = {f"torch, {n} thread{'s' * (n > 1)}": n for n in counts}
    return {"jax": ours} | {name: functools.partial(theirs, n) for name, n in names.items()}
