"""Pictures of a cell that moves in real time, drawn by a process of their own.

Drawing takes longer than the time between two states of the arm. The process keeps a copy of the cell, puts arm and
parts where they are, and draws, so that the cell that moves never waits for its picture.
"""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, Pipe
from types import TracebackType

import numpy as np

from trunnion_contract.cell import CellLayout
from trunnion_contract.errors import Broken
from trunnion_sim.cell import SimulatedCell
from trunnion_sim.contents import Contents, RandomParts
from trunnion_sim.robot import MOVING

_STARTS_WITHIN_S = 60.0
_ENDS_WITHIN_S = 1.0


@dataclass(frozen=True)
class Poses:
    """Where everything that moves is: joint angles, and for each part its position and its quaternion."""

    joints: tuple[float, ...]
    parts: tuple[tuple[Sequence[float], Sequence[float]], ...]

    @classmethod
    def of(cls, cell: SimulatedCell) -> Poses:
        """Read them from a cell."""
        parts = tuple(cell.world.pose(part.body) for part in cell.parts)
        return cls(tuple(cell.joint_states().positions.tolist()), parts)

    def put(self, cell: SimulatedCell) -> None:
        """Put a cell into them."""
        cell.world.put_joints(cell.robot.body, MOVING, self.joints)
        for part, (position, orientation) in zip(cell.parts, self.parts, strict=True):
            cell.world.put(part.body, position, orientation)


class CameraProcess:
    """The process; it ends with the `with` block, or with the process that started it, however that ends."""

    def __init__(self, layout: CellLayout) -> None:
        self._layout = layout
        self._shape = (layout.camera.height_px, layout.camera.width_px, 3)
        self._draws = False

    def __enter__(self) -> CameraProcess:
        self._pipe, theirs = Pipe()
        with theirs:
            # Not `-m`: run as __main__, this module would have classes that are not those of the messages.
            command = [sys.executable, "-c", f"from {__name__} import main; main()", str(theirs.fileno())]
            self._process = subprocess.Popen(command, pass_fds=[theirs.fileno()])
        self._pipe.send(self._layout.model_dump(mode="json"))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pipe.close()
        try:
            self._process.wait(_ENDS_WITHIN_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def lay_out(self, contents: Contents) -> None:
        """Lay the copy out anew; call it whenever the cell is."""
        self._send(contents)

    def ask(self, cell: SimulatedCell) -> bool:
        """Ask for a picture of the cell as it stands; False while another one is being drawn."""
        if self._draws:
            return False
        self._send(Poses.of(cell))
        self._draws = True
        return True

    def picture(self, wait_s: float = 0.0) -> np.ndarray | None:
        """The picture that was asked for, uint8 [h, w, 3] BGR, once it is drawn.

        Raises:
            Broken: the process died.
        """
        try:
            if not self._draws or not self._pipe.poll(wait_s):
                return None
            data = self._pipe.recv_bytes()
        except (EOFError, OSError):
            raise self._died() from None
        self._draws = False
        return np.frombuffer(data, np.uint8).reshape(self._shape)

    def first_picture(self, cell: SimulatedCell) -> np.ndarray:
        """Wait until the process has started and drawn once.

        Raises:
            Broken: it died, or does not start.
        """
        self.ask(cell)
        picture = self.picture(_STARTS_WITHIN_S)
        if picture is None:
            raise self._died()
        return picture

    def _send(self, message: Contents | Poses) -> None:
        try:
            self._pipe.send(message)
        except OSError:
            raise self._died() from None

    def _died(self) -> Broken:
        code = self._process.poll()
        return Broken(
            where="the process that draws the camera's pictures",
            got="no answer" if code is None else f"its end with code {code}",
            wanted="pictures",
            next_step="look at its last lines above, and start the robot again",
        )


def _draw(pipe: Connection) -> None:
    """Answer each set of poses with a picture, until the other end is closed."""
    with SimulatedCell(CellLayout.model_validate(pipe.recv())) as cell:
        lens = RandomParts((), (0,)).lay_out(cell)
        while True:
            message = pipe.recv()
            if isinstance(message, Poses):
                message.put(cell)
                pipe.send_bytes(lens(cell.render()).tobytes())
            else:
                lens = message.lay_out(cell)


def main() -> None:
    """The process; its argument is the descriptor of its end of the pipe."""
    # Ctrl-C goes to the whole group: the robot decides when its camera ends.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with Connection(int(sys.argv[1])) as pipe:
        try:
            _draw(pipe)
        except (EOFError, BrokenPipeError, ConnectionResetError):
            return
