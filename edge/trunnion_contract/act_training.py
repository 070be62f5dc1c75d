"""How a policy of action chunks is trained."""

from __future__ import annotations

from pydantic import Field, model_validator

from trunnion_contract.strict import Strict


class Chunking(Strict):
    """Action chunking with transformers (ACT, Zhao et al., 2023): a network that plans `chunk` periods at once.

    `replan_every` of them are carried out before it is asked again. `width`, `layers` and `heads` are those of every
    transformer in it; `kl_weight` is what a nat of the style variable costs against the mean error of an action, in
    units of its spread.
    """

    chunk: int = Field(default=8, ge=2)
    replan_every: int = Field(default=4, ge=1)
    width: int = Field(default=64, ge=8)
    layers: int = Field(default=2, ge=1)
    heads: int = Field(default=4, ge=1)
    kl_weight: float = Field(default=10.0, ge=0)

    @model_validator(mode="after")
    def _fits_together(self) -> Chunking:
        if self.replan_every > self.chunk:
            raise ValueError(f"replan_every of at most {self.chunk}, the chunk")
        if self.width % self.heads:
            raise ValueError(f"a width that {self.heads} heads can share evenly")
        return self


class ActTraining(Chunking):
    """Everything that such a policy is learnt with."""

    demonstrations: int = Field(ge=1)
    epochs: int = Field(ge=1)
    learning_rate: float = Field(default=1e-3, gt=0, lt=1)
    batch: int = Field(default=256, ge=1)
    seed: int = Field(default=0, ge=0)
