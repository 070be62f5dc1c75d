"""The store: MLflow, in a SQLite file beside the runs or on a server. Sending the same run twice changes nothing."""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from trunnion.tracking.outbox import Outbox
from trunnion.tracking.stage_run import StageRun
from trunnion_contract.errors import BadInput, Broken

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient

URI = "MLFLOW_TRACKING_URI"
DATABASE, ARTIFACTS, JOURNAL = "mlflow.db", "mlartifacts", ".tracking"
STAGE_RUN = "trunnion.stage_run"
_PORTS = {"http": 80, "https": 443}
_REACHED_WITHIN_S = 1.0
# What MLflow takes in one call.
_BATCH = 100


def store_of(runs: Path) -> Store:
    """The store that the environment names, or the SQLite file of a folder of runs.

    Raises:
        BadInput: the address is of no kind that MLflow's client takes here.
    """
    uri = os.environ.get(URI, "")
    if uri and urlsplit(uri).scheme not in (*_PORTS, "sqlite", "postgresql", "mysql"):
        raise BadInput(
            where=URI,
            got=uri,
            wanted="http://HOST:PORT of an MLflow server, or sqlite:///FILE",
            next_step="correct the address, or leave it out for a file beside the runs",
        )
    return Store(uri or f"sqlite:///{(runs / DATABASE).resolve()}", (runs / ARTIFACTS).resolve())


def outbox_of(runs: Path) -> Outbox:
    """The journal of a folder of runs."""
    return Outbox(runs / JOURNAL)


@dataclass(frozen=True)
class Store:
    """MLflow under one address; `artifacts` is where files go when that is a database and no server."""

    uri: str
    artifacts: Path

    def check_reachable(self) -> None:
        """Ask the server's port at once, because MLflow's client tries for minutes.

        Raises:
            Broken: nobody answers.
        """
        address = urlsplit(self.uri)
        if address.scheme not in _PORTS:
            return
        port = address.port or _PORTS[address.scheme]
        try:
            socket.create_connection((address.hostname or "", port), _REACHED_WITHIN_S).close()
        except OSError as error:
            raise Broken(
                where=self.uri,
                got=f"no answer ({error})",
                wanted="an MLflow server",
                next_step=f"start it, or correct {URI}; what is kept is sent by: trunnion runs sync",
            ) from None

    @cached_property
    def client(self) -> MlflowClient:
        """MLflow's client, which takes seconds to import."""
        # It would tell its makers what it is used for, and try a server that is away again and again.
        os.environ.update(MLFLOW_DISABLE_TELEMETRY="true", DO_NOT_TRACK="true")
        os.environ["MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR"] = "false"
        os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
        os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "10")
        import logging

        logging.getLogger("mlflow").setLevel(logging.ERROR)
        logging.getLogger("alembic").setLevel(logging.ERROR)
        from mlflow.tracking import MlflowClient

        return MlflowClient(tracking_uri=self.uri, registry_uri=self.uri)

    def send(self, run: StageRun, outbox: Outbox) -> str:
        """Bring MLflow's run of this attempt up to date, or make it; returns MLflow's name of it."""
        experiment = self._experiment(run.experiment)
        name = self._find(experiment, run.run_id) or self._create(run, experiment)
        self._log(run, name, self._parents(run, experiment))
        for artifact in run.artifacts:
            self.client.log_artifact(name, str(outbox.artifact(run, artifact)))
        if run.status == "RUNNING":
            self.client.update_run(name, status="RUNNING")
        else:
            self.client.set_terminated(name, status=run.status, end_time=run.end_ms)
        if run.registration:
            from trunnion.registry.versions import register

            register(self.client, run.registration, name)
        return name

    def _experiment(self, name: str) -> str:
        known = self.client.get_experiment_by_name(name)
        if known:
            return str(known.experiment_id)
        in_database = urlsplit(self.uri).scheme not in _PORTS
        return str(self.client.create_experiment(name, self.artifacts.as_uri() if in_database else None))

    def _find(self, experiment: str, run_id: str) -> str | None:
        found = self.client.search_runs([experiment], f"tags.`{STAGE_RUN}` = '{run_id}'", max_results=1)
        return str(found[0].info.run_id) if found else None

    def _create(self, run: StageRun, experiment: str) -> str:
        # The tag comes with the run: a sender that dies right afterwards finds it again.
        tags = {STAGE_RUN: run.run_id}
        made = self.client.create_run(experiment, start_time=run.start_ms, run_name=run.stage, tags=tags)
        return str(made.info.run_id)

    def _log(self, run: StageRun, name: str, parents: dict[str, str]) -> None:
        from mlflow.entities import Metric, Param, RunTag

        when_ms = run.end_ms or run.start_ms
        points = [
            Metric(_allowed(key), value, when_ms, step)
            for key, values in (*((key, (value,)) for key, value in run.metrics.items()), *run.series.items())
            for step, value in enumerate(values, start=1 if key in run.series else 0)
        ]
        params = [Param(_allowed(key), value) for key, value in run.params.items()]
        for some in _batches(params):
            self.client.log_batch(name, params=some)
        for some in _batches(points):
            self.client.log_batch(name, metrics=some)
        for some in _batches([RunTag(key, value) for key, value in (run.tags | parents).items()]):
            self.client.log_batch(name, tags=some)

    def _parents(self, run: StageRun, experiment: str) -> dict[str, str]:
        found = {stage: self._find(experiment, run_id) for stage, run_id in run.parents.items()}
        tags = {f"trunnion.parent.{stage}": name for stage, name in found.items() if name}
        # MLflow knows one parent: the stage before.
        return tags | ({"mlflow.parentRunId": list(tags.values())[-1]} if tags else {})


def _batches(items: Sequence[Any]) -> Iterator[Sequence[Any]]:
    for begin in range(0, len(items), _BATCH):
        yield items[begin : begin + _BATCH]


def _allowed(name: str) -> str:
    return re.sub(r"[^\w\-. :/]", "_", name)
