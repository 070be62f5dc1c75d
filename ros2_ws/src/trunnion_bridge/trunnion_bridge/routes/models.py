"""Models: installed, active, and what the bridge itself detects with."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from trunnion_bridge.bridge import TheBridge
from trunnion_bridge.installed import InstalledModel, ModelList
from trunnion_bridge.problem import not_found

router = APIRouter(prefix="/v1/models", tags=["models"])


@router.get("")
async def list_models(
    bridge: TheBridge,
    active: Annotated[bool | None, Query(description="only those that nodes run, or none of them")] = None,
) -> ModelList:
    """Bundles beside the one that the bridge was started on, each verified; what the nodes say that they run."""
    models = await bridge.models()
    if active is None:
        return models
    chosen = [model for model in models.installed if model.active is active]
    return models.model_copy(update={"installed": chosen})


@router.get("/{digest}")
async def get_model(digest: str, bridge: TheBridge) -> InstalledModel:
    """One bundle, by the SHA-256 of its file: what it is for, what it takes, and the verdict of its proof."""
    models = await bridge.models()
    for model in models.installed:
        if model.digest == digest:
            return model
    raise not_found("the model's digest", digest, "the digest of an installed bundle", "/v1/models")
