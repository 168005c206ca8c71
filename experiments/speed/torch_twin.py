"""The compact tracker's step in PyTorch, from the crops on: the twin that ours is timed against.

Same network, reduction, transforms, loss and number of Adam steps, written as one would write them
in PyTorch: convolutions in channels-last, `torch.optim.Adam` with a rate per branch, autograd
through `torch.fft`. It starts from our state and must give our numbers: `compare_twin.py`.
"""

import jax
import numpy as np
import torch
from torch.nn import functional

from dslt_jax.backbones import compact
from dslt_jax.ops import spectral
from dslt_jax.trackers.dslt import Dslt
from dslt_jax.trackers.dslt_state import State


class Twin:
    """Holds the state that a step changes: box, kernels, optimiser and memory."""

    def __init__(self, tracker: Dslt, params: dict, state: State):
        self.tracker, self.layer = tracker, tracker.backbone.layers[0]
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
        self.grid = tracker.region.search // self.layer.stride
        self.reductions = [tuple(map(self.tensor, part)) for part in state.reductions]
        self.center, self.size = self.tensor(state.center), self.tensor(state.size)
        self.cells = self.tensor(state.cells)
        self.mask = self.tensor(state.head.mask)
        samples = state.samples
        self.labels = self.tensor(samples.labels)
        self.spectra = self.tensor(np.swapaxes(samples.spectra, -1, -2))  # ours has columns first
        self.sample_weights, self.stored = self.tensor(samples.weights), int(samples.stored)
        middle = np.full(2, self.layer.position(tracker.region.search / 2))
        self.prior = self.gaussian(
            self.tensor(middle), tracker.motion * self.cells.prod().sqrt().repeat(2)
        )
        self.factors = self.tensor(tracker.size.factors())
        channels, learner = tracker.fusion.channels, tracker.online.learner
        self.kernels = [
            torch.nn.Parameter(part.contiguous())
            for part in self.tensor(state.head.kernel).split(channels)
        ]
        self.adam = torch.optim.Adam(
            [{"params": [k], "lr": lr} for k, lr in zip(self.kernels, learner.rates, strict=True)],
            betas=(learner.b1, learner.b2),
        )
        moments = state.head.optimizer
        first, second = (self.tensor(part).split(channels) for part in (moments.mu, moments.nu))
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
        tracker, grid = self.tracker, self.grid
        region = tracker.region
        with torch.inference_mode():
            spectrum = self.transform(self.network(patch[None]))
            response = self.respond(self.kernel(), spectrum, grid)[0]
            position, confidence = self.peak(response)
            scale = self.size.prod().sqrt() / region.target  # frame pixels a crop pixel
            center = self.center + (self.layer.pixel(position) - region.search / 2) * scale
            features = self.network(patches)
            cells = features[0].shape[-1]
            responses = self.respond(self.kernel(), self.transform(features), cells)
            best = self.best_scale(responses)
            factor = 1 + tracker.size.damping * (self.factors[best] - 1)
            if confidence >= tracker.gates.size:
                self.size = self.size * factor
            self.center = center
            self.remember(spectrum[0], self.gaussian(position, tracker.label.sigma * self.cells))
        loss = self.update()
        box = torch.cat([center - self.size / 2, self.size])
        return {"response": response, "box": box, "loss": loss}

    def network(self, images) -> tuple[torch.Tensor, torch.Tensor]:
        x = (images.permute(0, 3, 1, 2) - 128.0) / 64.0
        maps = {}
        for name, (inputs, outputs, stride) in compact.Compact().blocks().items():
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
        fused = self.tracker.fusion.shallow * low + self.tracker.fusion.deep * high
        size = spectral.fft_size(low.shape[-1], self.tracker.kernel_size)
        return torch.fft.rfft2(torch.cat([fused, high], 1).contiguous(), (size, size))

    def kernel(self) -> torch.Tensor:
        return self.mask * torch.cat(self.kernels)

    def respond(self, kernel, spectra, grid: int) -> torch.Tensor:
        size, k = spectra.shape[-2], kernel.shape[-1]
        canvas = functional.pad(kernel, (0, size - k, 0, size - k))
        canvas = canvas.roll((-(k // 2), -(k // 2)), (1, 2))
        product = (torch.fft.rfft2(canvas).conj() * spectra).sum(1)
        return torch.fft.irfft2(product, (size, size))[:, :grid, :grid]

    def peak(self, response) -> tuple[torch.Tensor, torch.Tensor]:
        grid = self.grid
        score = torch.where(response > 0, response * self.prior, response)
        row, column = divmod(int(score.argmax()), grid)
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
        factor = self.tracker.size.penalty**change
        return int(torch.where(score > 0, score * factor, score / factor).argmax())

    def gaussian(self, center, sigma) -> torch.Tensor:
        cells = torch.arange(self.grid, device=self.device)
        x, y = torch.exp(-0.5 * ((cells[:, None] - center) / sigma) ** 2).T
        return y[:, None] * x[None, :]

    def remember(self, spectrum, label) -> None:
        memory, slots = self.tracker.memory, len(self.sample_weights)
        slot = 1 + (self.stored - 1) // memory.interval % (slots - 1)
        self.spectra[slot], self.labels[slot] = spectrum, label
        self.sample_weights[0], self.sample_weights[slot] = memory.first_weight, 1.0
        self.stored += 1

    def loss(self) -> torch.Tensor:
        tracker, penalty = self.tracker, sum(kernel.square().sum() for kernel in self.kernels)
        error = self.respond(self.kernel(), self.spectra, self.grid) - self.labels
        shrink = torch.sigmoid(tracker.loss.a * (error.abs() - tracker.loss.c))
        loss = error.square() * shrink * torch.exp(tracker.label.importance * self.labels)
        loss = (self.sample_weights * loss.sum((1, 2))).sum() / self.sample_weights.sum()
        return loss + tracker.decay * penalty

    def update(self) -> torch.Tensor:
        """Returns the loss before the first step."""
        first = None
        for _ in range(self.tracker.online.steps):
            self.adam.zero_grad()
            loss = self.loss()
            loss.backward()
            self.adam.step()
            first = loss.detach() if first is None else first
        return first
