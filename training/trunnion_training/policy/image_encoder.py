"""What a policy sees of an image: a small convolutional encoder whose cells become tokens of the transformer."""

from __future__ import annotations

import torch
from torch import Tensor, nn

# Each convolution halves the image; the last one has the width of the transformer.
_CHANNELS = (16, 32, 64)
_HALF_RANGE = 127.5


class ImageEncoder(nn.Module):
    """uint8 [N, h, w, 3] → tokens float32 [N, 1 + t, width]: one of points, and one for each cell of 16 x 16 pixels.

    Normalisation is inside, so that the robot gives the image as it comes. A token of a cell knows where its cell is;
    that of points (Levine et al., 2016) says where in the image each channel of the second convolution is strongest,
    which needs far fewer demonstrations.
    """

    def __init__(self, height_px: int, width_px: int, width: int) -> None:
        super().__init__()
        self.fine = nn.Sequential(_halving(3, _CHANNELS[0]), nn.ReLU(), _halving(*_CHANNELS[:2]), nn.ReLU())
        self.coarse = nn.Sequential(_halving(*_CHANNELS[1:]), nn.ReLU(), _halving(_CHANNELS[2], width))
        self.sharpness = nn.Parameter(torch.ones(()))
        self.points = nn.Linear(2 * _CHANNELS[1], width)
        fine_sides, sides = ([_halved(side, times) for side in (height_px, width_px)] for times in (2, 4))
        self.register_buffer("places", _places(*fine_sides), persistent=False)
        self.positions = nn.Parameter(torch.randn(1, sides[0] * sides[1], width) * 0.02)

    def forward(self, image: Tensor) -> Tensor:
        """Look."""
        fine = self.fine(image.to(torch.float32).permute(0, 3, 1, 2) / _HALF_RANGE - 1)
        weights = torch.softmax(self.sharpness * fine.flatten(2), dim=2)
        points = self.points((weights @ self.places).flatten(1))[:, None]
        cells = self.coarse(fine).flatten(2).transpose(1, 2) + self.positions
        return torch.cat([points, cells], dim=1)


def _halving(channels: int, more: int) -> nn.Conv2d:
    return nn.Conv2d(channels, more, 3, stride=2, padding=1)


def _halved(side_px: int, times: int) -> int:
    return -(-side_px // 2**times)


def _places(height: int, width: int) -> Tensor:
    """Where each cell is, from -1 to 1: float32 [cells, 2]."""
    down, right = torch.linspace(-1, 1, height), torch.linspace(-1, 1, width)
    return torch.cartesian_prod(down, right)
