"""Processes that learn one network together."""

from __future__ import annotations

from pydantic import Field

from trunnion_contract.strict import Strict


class Workers(Strict):
    """Processes that learn one network together, here or on the cluster that `RAY_ADDRESS` names.

    Each has `cores` cores, and a GPU where `gpu` says so. They share each batch, so that their number changes neither
    how many samples a step sees nor the learning rate. More losses of a process or machine than `losses_max` end the
    training.
    """

    count: int = Field(default=1, ge=1, le=1024)
    cores: int = Field(default=1, ge=1, le=256)
    gpu: bool = False
    losses_max: int = Field(default=3, ge=0)

    @property
    def one_process(self) -> bool:
        """Whether there is nobody to share with, and nothing that another machine has."""
        return self.count == 1 and not self.gpu
