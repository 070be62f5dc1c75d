"""Ray as the engine of what outgrows a process: started within this one, or reached where `RAY_ADDRESS` says.

An engine that is started here ends with its block and leaves nothing behind: no process, no file, no token in the home.
"""

from __future__ import annotations

import logging
import os
import secrets
import shutil
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from trunnion_contract.errors import BadInput, Broken
from trunnion_contract.workers import HERE, RAY_ADDRESS, own_cores

# What is handed between processes here are jobs and figures; pictures and weights stay in files.
_OBJECT_STORE_BYTES = 256 * 2**20
_CONNECT_S = 5.0
# Sockets lie in the folder, and their paths must be short, so the system's own place is taken whatever TMPDIR says.
_TEMPORARY, _PREFIX = Path("/tmp"), "trunnion-ray-"
_SETTINGS = {
    "RAY_USAGE_STATS_ENABLED": "0",
    # Workers without a GPU see none, as Ray will have it by itself one day; it warns until then.
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    "RAY_TRAIN_V2_ENABLED": "1",
}


@contextmanager
def engine(cores: int | None = None) -> Iterator[None]:
    """Ray is there inside the block; where it is already, it is left alone.

    Args:
        cores: how many an engine that is started here may use; None takes those that this process may.

    Raises:
        BadInput: nothing answers at `RAY_ADDRESS`, or what answers is another version.
    """
    os.environ.update(_SETTINGS)
    import ray

    if ray.is_initialized():
        yield
        return
    address = os.environ.get(RAY_ADDRESS) or HERE
    try:
        with _started(cores or own_cores()) if address == HERE else _reached(address):
            yield
    finally:
        ray.shutdown()


@contextmanager
def _started(cores: int) -> Iterator[None]:
    """An engine of this process's own, that only this process can talk to.

    Raises:
        Broken: its processes do not come up, as on a machine that is much too busy.
    """
    import ray

    _sweep()
    # Without one, Ray writes a token to the home. It is read once a process, so it stays.
    if not {"RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"} & os.environ.keys():
        os.environ["RAY_AUTH_TOKEN"] = secrets.token_hex(32)
    folder = tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-", dir=_TEMPORARY)
    try:
        # Ray waits for half a minute, which a busy machine may need for files that it has not read yet.
        if not _start(cores, folder) and not _start(cores, folder):
            raise Broken(
                where="the engine",
                got="Ray processes that did not come up within a minute",
                wanted="a Ray of this process's own",
                next_step="see what else keeps this machine busy, and run the same command again",
            )
        yield
    finally:
        ray.shutdown()
        shutil.rmtree(folder, ignore_errors=True)


def _start(cores: int, folder: str) -> bool:
    import ray

    try:
        ray.init(
            address="local",
            num_cpus=cores,
            object_store_memory=_OBJECT_STORE_BYTES,
            include_dashboard=False,
            log_to_driver=False,
            logging_level=logging.CRITICAL,
            _temp_dir=folder,
        )
    except Exception:  # what Ray raises when it has waited
        ray.shutdown()
        return False
    return True


def _sweep() -> None:
    """Remove the folders of engines whose process was killed."""
    for folder in _TEMPORARY.glob(f"{_PREFIX}*-*"):
        process = folder.name.removeprefix(_PREFIX).partition("-")[0]
        if not Path("/proc", process).exists():
            shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _reached(address: str) -> Iterator[None]:
    """The cluster at an address; its workers end with this process or block, and the cluster goes on."""
    import ray

    _check_answers(address)
    try:
        ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR)
    except (ConnectionError, RuntimeError, ValueError) as error:
        raise _unreached(
            address, str(error).splitlines()[0] if str(error) else type(error).__name__
        ) from None
    yield


def _check_answers(address: str) -> None:
    """Ray itself would try for minutes."""
    if address == "auto":
        return
    host, colon, port = address.rpartition(":")
    if not colon or "/" in address or not port.isdigit():
        raise _unreached(address, "no HOST:PORT")
    try:
        socket.create_connection((host, int(port)), _CONNECT_S).close()
    except OSError as error:
        raise _unreached(address, f"nothing that answers there ({error.strerror or error})") from None


def _unreached(address: str, got: str) -> BadInput:
    return BadInput(
        where=f"{RAY_ADDRESS}={address}",
        got=got,
        wanted=f"HOST:PORT of a Ray head of this version, auto for one on this machine, or {HERE} to start one here",
        next_step=f"see whether the head runs (ray status --address {address}), or unset {RAY_ADDRESS}",
    )
