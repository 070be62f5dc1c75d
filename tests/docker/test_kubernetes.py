"""The manifests of a GPU cluster are such as Kubernetes and KubeRay take, and ask for what the lock has."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate
import pytest
import yaml

COUNT = {"type": "integer", "minimum": 0}


def record(required: list[str], **properties: Any) -> dict[str, Any]:
    """A mapping with these keys and no others."""
    return {"type": "object", "required": required, "properties": properties, "additionalProperties": False}


# What our manifests use of KubeRay's v1; a pod is looked at by Kubernetes' own schema.
START = {"type": "object", "additionalProperties": {"type": "string"}}
HEAD = record(["template", "rayStartParams"], template={"type": "object"}, rayStartParams=START)
WORKERS = record(
    ["groupName", "template", "minReplicas", "maxReplicas", "replicas", "rayStartParams"],
    groupName={"type": "string"}, template={"type": "object"}, rayStartParams=START,
    replicas=COUNT, minReplicas=COUNT, maxReplicas=COUNT,
)  # fmt: skip
CLUSTER = record(
    ["rayVersion", "headGroupSpec", "workerGroupSpecs", "authOptions"],
    rayVersion={"type": "string"}, headGroupSpec=HEAD, workerGroupSpecs={"type": "array", "items": WORKERS},
    authOptions=record(["mode"], mode={"const": "token"}),
)  # fmt: skip
JOB = record(
    ["entrypoint", "shutdownAfterJobFinishes", "rayClusterSpec"],
    entrypoint={"type": "string"}, shutdownAfterJobFinishes={"const": True}, ttlSecondsAfterFinished=COUNT,
    backoffLimit=COUNT, rayClusterSpec=CLUSTER,
)  # fmt: skip
KINDS = {"RayJob": JOB, "RayCluster": CLUSTER}


@pytest.fixture
def folder(repository: Path) -> Path:
    return repository / "docker" / "kubernetes"


def manifests(folder: Path) -> list[dict[str, Any]]:
    files = sorted(folder.glob("*.yaml"))
    return [document for file in files for document in yaml.safe_load_all(file.read_text())]


def ray_manifests(folder: Path) -> list[dict[str, Any]]:
    return [document for document in manifests(folder) if document["apiVersion"] == "ray.io/v1"]


def cluster_of(manifest: dict[str, Any]) -> dict[str, Any]:
    spec: dict[str, Any] = manifest["spec"]
    return dict(spec.get("rayClusterSpec", spec))


def test_kuberay_takes_the_job_and_the_cluster(folder: Path) -> None:
    found = ray_manifests(folder)
    assert {manifest["kind"] for manifest in found} == KINDS.keys()
    for manifest in found:
        jsonschema.validate(manifest["spec"], KINDS[manifest["kind"]])


def test_kubernetes_takes_every_pod_and_the_storage(folder: Path) -> None:
    claims = [document for document in manifests(folder) if document["kind"] == "PersistentVolumeClaim"]
    assert len(claims) == 1
    for claim in claims:
        kubernetes_validate.validate(claim, kubernetes_validate.latest_version(), strict=True)
    for manifest in ray_manifests(folder):
        cluster = cluster_of(manifest)
        for group in (cluster["headGroupSpec"], *cluster["workerGroupSpecs"]):
            pod = {"apiVersion": "v1", "kind": "PodTemplate", "template": group["template"]}
            kubernetes_validate.validate(pod, kubernetes_validate.latest_version(), strict=True)
            mounted = {volume["name"] for volume in group["template"]["spec"]["volumes"]}
            (container,) = group["template"]["spec"]["containers"]
            assert {mount["name"] for mount in container["volumeMounts"]} == mounted
            claim = next(
                volume for volume in group["template"]["spec"]["volumes"] if volume["name"] == "work"
            )
            assert claim["persistentVolumeClaim"]["claimName"] == claims[0]["metadata"]["name"]


def test_what_waits_waits_in_a_queue_that_there_is(folder: Path) -> None:
    queues = {
        document["metadata"]["name"] for document in manifests(folder) if document["kind"] == "LocalQueue"
    }
    for manifest in ray_manifests(folder):
        assert manifest["metadata"]["labels"]["kueue.x-k8s.io/queue-name"] in queues


def test_the_cluster_runs_the_locks_own_ray(folder: Path, repository: Path) -> None:
    lock = (repository / "requirements" / "lock.txt").read_text().splitlines()
    for manifest in ray_manifests(folder):
        assert f"ray=={cluster_of(manifest)['rayVersion']}" in lock
