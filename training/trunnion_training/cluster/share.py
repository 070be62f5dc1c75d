"""What one of several processes that learn the same network has to do with the others."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    import torch

Item = TypeVar("Item")


@dataclass(frozen=True)
class Share:
    """The part of a process in a training: all of it, where it is alone.

    Attributes:
        rank: its number, from 0.
        size: how many there are.
        device: where it computes: `cpu`, or `cuda` with the number of a GPU of its machine.
    """

    rank: int = 0
    size: int = 1
    device: str = "cpu"

    @property
    def leads(self) -> bool:
        """Whether it is the one that measures and writes files."""
        return self.rank == 0

    @property
    def on_gpu(self) -> bool:
        """Whether it computes on a GPU."""
        return self.device.startswith("cuda")

    def of(self, batch: Sequence[Item]) -> Sequence[Item]:
        """Its part of a batch; the parts of all of them are the batch."""
        return batch[self.rank :: self.size]

    def joined(self, network: torch.nn.Module) -> torch.nn.Module:
        """The network, whose gradients are the mean of everyone's; the layers are shared with `network`."""
        if self.size == 1:
            return network
        from torch.nn.parallel import DistributedDataParallel

        # A network with two heads may not learn with both from every batch.
        return DistributedDataParallel(network, find_unused_parameters=True)

    @contextmanager
    def apart(self, joined: torch.nn.Module, *, until: bool) -> Iterator[None]:
        """Keep gradients to oneself in the block, for one more time; those of the last block are everyone's sum."""
        if self.size == 1 or until:
            yield
            return
        with joined.no_sync():  # type: ignore[operator]
            yield

    def mean(self, values: dict[str, float]) -> dict[str, float]:
        """The mean over everyone of each value."""
        if self.size == 1:
            return values
        import torch

        sums = torch.tensor(list(values.values()), device=self.device)
        torch.distributed.all_reduce(sums)
        return dict(zip(values, (sums / self.size).tolist(), strict=True))

    def wait(self) -> None:
        """Go on when everyone is here."""
        if self.size > 1:
            import torch.distributed

            torch.distributed.barrier()


ALONE = Share()
