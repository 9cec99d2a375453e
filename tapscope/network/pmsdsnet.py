"""P-MSDSNet: parallel multi-scale maps, fused in stages, every stage supervised.

Source: Li, Tran, Garg, Lawler, Alty and Bai, "Parallel Multi-Scale Networks with Deep
Supervision for Hand Keypoint Detection", December 2021. Equation numbers below are the paper's.

Choices where the paper is silent
---------------------------------
- Widths rise with the stride, because most of the time goes into the full-resolution maps; but
  every head sees at least as many channels as there are keypoints (a precaution, untested).
- X(s, 1) is two convolutions away from the base map; conv_Q keeps the channels of Q.
- The convolution with stride t that makes a base map has kernel 2t - 1 (at least 3), so that
  neighbouring windows overlap and no pixel is left out.
- conv_down is 3 x 3 with stride 2; conv_up is 1 x 1, followed by bilinear enlargement by two (a
  quarter of the arithmetic of enlarging first); conv_Q and conv_ds are 1 x 1.
- Every convolution except conv_ds and the last is followed by batch normalisation and ReLU.
- An image side that is no multiple of the largest stride is an error; it is not padded.
- fusion="down" omits conv_up, fusion="up" omits conv_down; "cyclic" has both.
- The last convolution is 1 x 1 and reads X(1, M + 1), as in the paper's figure.
- shared_stages=True (the paper's future work) makes all stages one set of weights.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar, Literal, NamedTuple

import torch
import torch.nn.functional as F  # noqa: N812 - the name the whole field uses
from torch import Tensor, nn

Fusion = Literal["cyclic", "down", "up"]
DEFAULT_WIDTHS = (16, 16, 32, 48, 100)


class Heatmaps(NamedTuple):
    """Output of a network; values near 1 at a keypoint and near 0 elsewhere, not clipped."""

    final: Tensor
    """The prediction, shape (n, keypoints, height / stride, width / stride)."""
    supervised: list[list[Tensor]]
    """Other supervised heatmaps, of the same size or smaller. Those of P-MSDSNet are Z(s, m) as
    supervised[m][s], shape (n, keypoints, height / 2^s, width / 2^s), with s from 0."""


class HeatmapNetwork(nn.Module, ABC):
    """Interface of every network that training, evaluation and tracking use."""

    stride: ClassVar[int] = 1
    """Image pixels per pixel of the final heatmaps, along each axis."""
    size_divisor: int
    """Sides of an image must be multiples of it."""

    @abstractmethod
    def forward(self, image: Tensor) -> Heatmaps:
        """Return the heatmaps of a batch of images.

        Parameters
        ----------
        image
            RGB as `normalise` gives it, shape (n, 3, height, width); both sides multiples of
            `size_divisor`.
        """

    def final(self, image: Tensor) -> Tensor:
        """Return only the final heatmaps of `forward`."""
        return self.forward(image).final


def conv_block(
    inputs: int, outputs: int, *, kernel: int = 3, stride: int = 1, layers: int = 1
) -> nn.Sequential:
    """Return `layers` convolutions, each with batch normalisation and ReLU."""
    modules: list[nn.Module] = []
    for layer in range(layers):
        modules += [
            nn.Conv2d(
                inputs if layer == 0 else outputs,
                outputs,
                kernel,
                stride if layer == 0 else 1,
                padding=(kernel - 1) // 2,
                bias=False,
            ),
            nn.BatchNorm2d(outputs),
            nn.ReLU(inplace=True),
        ]
    return nn.Sequential(*modules)


class Stage(nn.Module):
    """One stage: fuse from fine to coarse and back, then predict heatmaps at every scale."""

    def __init__(
        self, inputs: Sequence[int], widths: Sequence[int], keypoints: int, fusion: Fusion
    ) -> None:
        super().__init__()
        self.scales = len(widths)
        self.fuses_down = fusion in ("cyclic", "down")
        self.fuses_up = fusion in ("cyclic", "up")
        gathered = [
            channels + (widths[s] if self.fuses_down and s > 0 else 0)
            for s, channels in enumerate(inputs)
        ]
        self.outputs = self.output_widths(widths, fusion)
        self.conv_down = nn.ModuleList(
            conv_block(gathered[s - 1], widths[s], stride=2)
            for s in range(1, self.scales)
            if self.fuses_down
        )
        self.conv_x = nn.ModuleList(
            conv_block(gathered[s], widths[s], layers=3) for s in range(self.scales)
        )
        self.conv_up = nn.ModuleList(
            conv_block(self.outputs[s + 1], widths[s], kernel=1)
            for s in range(self.scales - 1)
            if self.fuses_up
        )
        self.conv_q = nn.ModuleList(
            conv_block(channels, channels, kernel=1) for channels in self.outputs
        )
        self.conv_ds = nn.ModuleList(
            nn.Conv2d(channels + width, keypoints, 1)
            for channels, width in zip(self.outputs, widths, strict=True)
        )

    @staticmethod
    def output_widths(widths: Sequence[int], fusion: Fusion) -> list[int]:
        """Return the channels of Q(s): its own and those of the next coarser scale, if any."""
        last = len(widths) - 1
        return [
            width * (2 if fusion != "down" and s < last else 1) for s, width in enumerate(widths)
        ]

    def fuse(self, x: list[Tensor]) -> list[Tensor]:
        """Return Q(s, m) for every scale s."""
        gathered = [x[0]]
        for s in range(1, self.scales):  # (4)
            if self.fuses_down:
                below = self.conv_down[s - 1](gathered[s - 1])
                gathered.append(torch.cat([x[s], below], dim=1))
            else:
                gathered.append(x[s])

        fused: list[Tensor] = [torch.empty(0)] * self.scales
        for s in reversed(range(self.scales)):  # (5)
            fused[s] = self.conv_x[s](gathered[s])
            if self.fuses_up and s + 1 < self.scales:
                above = self.conv_up[s](fused[s + 1])
                above = F.interpolate(above, scale_factor=2.0, mode="bilinear", align_corners=False)
                fused[s] = torch.cat([fused[s], above], dim=1)
        return fused

    def forward(
        self, x: list[Tensor], base: list[Tensor], *, return_heatmaps: bool
    ) -> tuple[list[Tensor], list[Tensor]]:
        """Return X(s, m + 1) for every scale s, and Z(s, m) or an empty list."""
        attended, heatmaps = [], []
        for q, b, conv_q, conv_ds in zip(
            self.fuse(x), base, self.conv_q, self.conv_ds, strict=True
        ):
            read = torch.cat([conv_q(q), b], dim=1)
            if return_heatmaps:
                heatmaps.append(conv_ds(read))  # (6)
                total = heatmaps[-1].sum(dim=1, keepdim=True)
            else:  # attention needs only the sum over keypoints
                total = channel_sum(conv_ds, read)
            attended.append(torch.sigmoid(total) * q)  # (7)
        return attended, heatmaps


def channel_sum(conv: nn.Module, maps: Tensor) -> Tensor:
    """Return the sum of a convolution's output channels, computed with the sum of its kernels.

    The shape is (n, 1, height, width).
    """
    assert isinstance(conv, nn.Conv2d)
    assert conv.bias is not None
    kernel, bias = (p.sum(dim=0, keepdim=True) for p in (conv.weight, conv.bias))
    return F.conv2d(maps, kernel, bias)


class PMSDSNet(HeatmapNetwork):
    """Parallel multi-scale deep supervision network for hand keypoints.

    Parameters
    ----------
    keypoints
        K, the number of heatmaps.
    stages
        M, at least 1; the paper has 3 (2.8 M parameters) and 6 (5.0 M).
    widths
        Channels of each scale, finest (stride 1) first; their number is S.
    fusion
        Direction in which the scales exchange maps within a stage.
    deep_supervision
        Whether `forward` returns the supervised heatmaps, too; the layers are the same.
    shared_stages
        One set of weights for all stages after the first.
    """

    def __init__(
        self,
        *,
        keypoints: int = 21,
        stages: int = 3,
        widths: Sequence[int] = DEFAULT_WIDTHS,
        fusion: Fusion = "cyclic",
        deep_supervision: bool = True,
        shared_stages: bool = False,
    ) -> None:
        super().__init__()
        if stages < 1 or keypoints < 1 or len(widths) < 2:
            raise ValueError("PMSDSNet needs a stage, a keypoint and two scales at least")
        if fusion not in ("cyclic", "down", "up"):
            raise ValueError(f"PMSDSNet: fusion {fusion!r} is none of cyclic, down, up")
        self.stages = stages
        self.deep_supervision = deep_supervision
        self.size_divisor = 2 ** (len(widths) - 1)
        self.base = nn.ModuleList(
            conv_block(3, width, kernel=max(3, 2 ** (s + 1) - 1), stride=2**s)
            for s, width in enumerate(widths)
        )
        self.entry = nn.ModuleList(conv_block(width, width, layers=2) for width in widths)
        later = Stage.output_widths(widths, fusion)
        first = Stage(widths, widths, keypoints, fusion)
        if shared_stages:
            rest = [Stage(later, widths, keypoints, fusion)] * (stages - 1)
        else:
            rest = [Stage(later, widths, keypoints, fusion) for _ in range(stages - 1)]
        self.stage = nn.ModuleList([first, *rest])
        self.last = nn.Conv2d(later[0], keypoints, 1)

    def forward(self, image: Tensor) -> Heatmaps:
        """Return the heatmaps of a batch of images.

        Parameters
        ----------
        image
            See `HeatmapNetwork.forward`.
        """
        final, supervised = self._run(image, return_heatmaps=self.deep_supervision)
        return Heatmaps(final, supervised)

    def final(self, image: Tensor) -> Tensor:
        """Return only the final heatmaps of `forward`, with less arithmetic."""
        return self._run(image, return_heatmaps=False)[0]

    def attention(self, image: Tensor) -> tuple[Tensor, list[list[Tensor]]]:
        """Return the final heatmaps, and the attention maps g(Z(s, m)) as [m][s].

        The attention maps have the shape (n, 1, height / 2^s, width / 2^s) and lie between 0 and 1.
        """
        final, supervised = self._run(image, return_heatmaps=True)
        return final, [
            [torch.sigmoid(z.sum(dim=1, keepdim=True)) for z in stage] for stage in supervised
        ]

    def entry_maps(self, image: Tensor) -> tuple[list[Tensor], list[Tensor]]:
        """Return X(s, 1) and the base maps X(s, 0) for every scale s."""
        base = [conv(image) for conv in self.base]
        return [conv(b) for conv, b in zip(self.entry, base, strict=True)], base

    def _run(self, image: Tensor, *, return_heatmaps: bool) -> tuple[Tensor, list[list[Tensor]]]:
        if not torch.compiler.is_compiling() and (
            image.shape[-1] % self.size_divisor or image.shape[-2] % self.size_divisor
        ):
            raise ValueError(
                f"image sides {tuple(image.shape[-2:])} must be multiples of {self.size_divisor}"
            )
        x, base = self.entry_maps(image)
        supervised: list[list[Tensor]] = []
        for stage in self.stage:
            x, heatmaps = stage(x, base, return_heatmaps=return_heatmaps)
            if return_heatmaps:
                supervised.append(heatmaps)
        final: Tensor = self.last(x[0])
        return final, supervised


def parameter_count(network: nn.Module) -> int:
    """Return the number of parameters, shared ones counted once."""
    return sum(p.numel() for p in network.parameters())


def normalise(pixels: Tensor) -> Tensor:
    """Convert uint8 RGB of shape (n, height, width, 3) to the network's input."""
    return (pixels.permute(0, 3, 1, 2).float() - 127.5) / 64.0
