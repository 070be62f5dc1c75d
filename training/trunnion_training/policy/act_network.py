"""The network of ACT (Zhao et al., 2023): an observation in, the actions of the next `chunk` periods out; SI units."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention

from trunnion_contract.errors import BadInput
from trunnion_contract.files import whole_file
from trunnion_contract.manifest import PolicySpec
from trunnion_training.policy.image_encoder import ImageEncoder
from trunnion_training.policy.network import INPUT, Array, Pairs, PolicyNetwork, Scale, export_graph

# What tells this file from those of other policies.
KIND = "act"
# Numbers in the style variable, as in the paper.
STYLE = 32


@dataclass(frozen=True)
class ActForm:
    """What shapes the network: periods that it plans, and width, layers and heads of its transformers."""

    chunk: int
    width: int
    layers: int
    heads: int


class Attention(nn.Module):
    """Every query looks at every key: float32 [N, q, width] and [N, k, width] → [N, q, width]."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads, self.width = heads, width
        self.query, self.key = nn.Linear(width, width), nn.Linear(width, width)
        self.value, self.out = nn.Linear(width, width), nn.Linear(width, width)

    def forward(self, queries: Tensor, keys: Tensor, keep: Tensor | None = None) -> Tensor:
        """Attend; keys where bool [N, k] `keep` is False are not looked at."""
        query, key = self._split(self.query(queries)), self._split(self.key(keys))
        mask = None if keep is None else keep[:, None, None, :]
        seen = scaled_dot_product_attention(query, key, self._split(self.value(keys)), attn_mask=mask)
        return self.out(seen.transpose(1, 2).reshape(queries.shape))

    def _split(self, tokens: Tensor) -> Tensor:
        """[N, t, width] → [N, heads, t, width / heads]."""
        return tokens.reshape(*tokens.shape[:2], self.heads, self.width // self.heads).transpose(1, 2)


class Block(nn.Module):
    """Tokens look at each other, then at `memory` where there is one, then each by itself through a perceptron."""

    def __init__(self, width: int, heads: int, *, with_memory: bool = False) -> None:
        super().__init__()
        self.own_norm, self.own = nn.LayerNorm(width), Attention(width, heads)
        if with_memory:
            self.memory_norm, self.memory = nn.LayerNorm(width), Attention(width, heads)
        self.each = nn.Sequential(
            nn.LayerNorm(width), nn.Linear(width, 4 * width), nn.ReLU(), nn.Linear(4 * width, width)
        )

    def forward(self, tokens: Tensor, memory: Tensor | None = None, keep: Tensor | None = None) -> Tensor:
        """float32 [N, t, width] → the same."""
        own = self.own_norm(tokens)
        tokens = tokens + self.own(own, own, keep)
        if memory is not None:
            tokens = tokens + self.memory(self.memory_norm(tokens), memory)
        return tokens + self.each(tokens)


class StyleEncoder(nn.Module):
    """What is special about a demonstrated plan, given the observation; there in training only."""

    def __init__(self, actions: int, form: ActForm) -> None:
        super().__init__()
        self.summary = _learned(1, form.width)
        self.positions = _learned(form.chunk, form.width)
        self.action = nn.Linear(actions, form.width)
        self.blocks = nn.ModuleList(Block(form.width, form.heads) for _ in range(form.layers))
        self.out = nn.Sequential(nn.LayerNorm(form.width), nn.Linear(form.width, 2 * STYLE))

    def forward(self, state: Tensor, plan: Tensor, keep: Tensor) -> tuple[Tensor, Tensor]:
        """State token [N, 1, width], scaled plan [N, chunk, action], bool [N, chunk] → mean, log variance [N, 32]."""
        summary = self.summary.expand(len(state), -1, -1)
        tokens = torch.cat([summary, state, self.action(plan) + self.positions], dim=1)
        keep = torch.cat([keep.new_ones(len(keep), 2), keep], dim=1)
        for block in self.blocks:
            tokens = block(tokens, keep=keep)
        mean, log_variance = self.out(tokens[:, 0]).chunk(2, dim=1)
        return mean, log_variance


class ActNetwork(nn.Module):
    """A transformer between a normalisation and a scaling, both part of the graph.

    float32 [N, observation] in SI units, and uint8 [N, h, w, 3] where the policy sees → float32 [N, chunk, action] in
    SI units, within the action's range. The observation, the cells of the image and the style variable are the
    encoder's tokens; one learned query for each period of the chunk reads them in the decoder. Acting, the style is
    zero, the mean of its prior, so that the same observation gives the same plan. The token of the observation comes
    from the perceptron of cloning, which sees offsets between positions too.
    """

    def __init__(
        self, spec: PolicySpec, observation: Scale, action: Scale, form: ActForm, pairs: Pairs = ()
    ) -> None:
        super().__init__()
        self.spec, self.form, self.pairs = spec, form, pairs
        for part in ("mean", "spread", "low", "high"):
            values = np.array(getattr(action, part), np.float32)
            self.register_buffer(f"action_{part}", torch.from_numpy(values))
        width, blocks = form.width, range(form.layers)
        self.state = PolicyNetwork(spec, observation, _plain(width), (4 * width,), pairs)
        self.eye = ImageEncoder(*_sides(spec), width) if spec.image else None
        self.style_encoder = StyleEncoder(len(action.mean), form)
        self.style = nn.Linear(STYLE, width)
        self.encoder = nn.ModuleList(Block(width, form.heads) for _ in blocks)
        self.memory_norm = nn.LayerNorm(width)
        self.queries = _learned(form.chunk, width)
        self.decoder = nn.ModuleList(Block(width, form.heads, with_memory=True) for _ in blocks)
        self.head = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, len(action.mean)))

    def forward(self, observation: Tensor, image: Tensor | None = None) -> Tensor:
        """Plan."""
        scaled = self.scaled_plan(observation, image) * self.action_spread + self.action_mean
        return torch.minimum(torch.maximum(scaled, self.action_low), self.action_high)

    def scaled_plan(
        self, observation: Tensor, image: Tensor | None = None, style: Tensor | None = None
    ) -> Tensor:
        """The plan before scaling, where all entries weigh alike: what the loss compares. No style is style zero."""
        state = self._state(observation)
        # Style zero through its layer is that layer's bias.
        token = self.style.bias.expand_as(state) if style is None else self.style(style)[:, None]
        seen = [] if self.eye is None else [self.eye(image)]
        memory = torch.cat([token, state, *seen], dim=1)
        for block in self.encoder:
            memory = block(memory)
        memory = self.memory_norm(memory)
        plan = self.queries + torch.zeros_like(state)
        for block in self.decoder:
            plan = block(plan, memory)
        return self.head(plan)

    def styles(self, observation: Tensor, scaled_plan: Tensor, keep: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log variance [N, STYLE] of the style of a demonstrated plan."""
        mean, log_variance = self.style_encoder(self._state(observation), scaled_plan, keep)
        return mean, log_variance

    def normalised(self, action: Tensor) -> Tensor:
        """Actions in SI units as `scaled_plan` would give them."""
        return (action - self.action_mean) / self.action_spread

    def act(self, observation: Array, image: NDArray[np.uint8] | None = None) -> Array:
        """float32 [N, observation], and uint8 [N, h, w, 3] where it sees → float32 [N, chunk, action]."""
        given = [
            torch.from_numpy(np.ascontiguousarray(one)) for one in (observation, image) if one is not None
        ]
        with torch.inference_mode():
            plan: Array = self(*given).numpy()
        return plan

    def _state(self, observation: Tensor) -> Tensor:
        """One token [N, 1, width] of all that is observed."""
        token: Tensor = self.state.scaled_action(observation)
        return token[:, None]

    def save(self, path: Path) -> None:
        """Write the weights (tensors only, no code)."""
        content = {"kind": KIND, "form": asdict(self.form), "pairs": self.pairs, "state": self.state_dict()}
        with whole_file(path) as temporary, temporary.open("wb") as file:
            torch.save(content, file)

    @classmethod
    def load(cls, path: Path, spec: PolicySpec) -> ActNetwork:
        """Read what `save` wrote, of a policy that takes and gives what `spec` says.

        Raises:
            BadInput: the file is absent, damaged, or holds another kind of policy.
        """
        try:
            content = torch.load(path, weights_only=True)
            state, form = content["state"], ActForm(**content["form"])
            scales = [
                Scale(*(state[f"{name}_{part}"].numpy() for part in ("mean", "spread", "low", "high")))
                for name in ("state.observation", "action")
            ]
            network = cls(spec, scales[0], scales[1], form, content["pairs"])
            network.load_state_dict(state)
        except Exception as error:  # whatever a broken archive raises
            raise BadInput(
                where=str(path),
                got=f"a file that does not load ({type(error).__name__})",
                wanted="a policy of action chunks that training wrote",
                next_step="train the policy again",
            ) from None
        return network.eval()

    def export_onnx(self, path: Path, opset: int) -> None:
        """Write the graph of `forward`, without the style encoder, with a free number of rows."""
        inputs = {INPUT: torch.zeros(1, len(self.state.observation_mean))}
        if self.spec.image:
            inputs[self.spec.image.name] = torch.zeros(1, *_sides(self.spec), 3, dtype=torch.uint8)
        export_graph(self, inputs, path, opset)


def _learned(*shape: int) -> nn.Parameter:
    """Tokens that are learnt as they are, float32 [1, tokens, width]."""
    return nn.Parameter(torch.randn(1, *shape) * 0.02)


def _sides(spec: PolicySpec) -> tuple[int, int]:
    """Height and width of the image, in pixels."""
    assert spec.image is not None, "who asks has seen that there is one"
    height_px, width_px = (int(side) for side in spec.image.shape[1:3])
    return height_px, width_px


def _plain(width: int) -> Scale:
    """The scale of a token, which is no action: none."""
    zeros, ones = np.zeros(width, np.float32), np.ones(width, np.float32)
    return Scale(zeros, ones, zeros, ones)
