from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define

if TYPE_CHECKING:
    from ..models.camera_layout import CameraLayout
    from ..models.cell_layout_bins import CellLayoutBins
    from ..models.cell_layout_part_heights_m import CellLayoutPartHeightsM
    from ..models.motion_limits import MotionLimits
    from ..models.tray_layout import TrayLayout


T = TypeVar("T", bound="CellLayout")


@_attrs_define
class CellLayout:
    """Everything about the cell that is measured once and that robot, simulator and executive must agree on.

    Attributes:
        camera (CameraLayout): A fixed pinhole camera without distortion.
        tray (TrayLayout): The flat area in which parts lie; `center_base_m` is on the surface that carries them.
        bins (CellLayoutBins):
        part_heights_m (CellLayoutPartHeightsM):
        home_base_m (list[float]):
        limits (MotionLimits): What stands between a policy and the arm; outside of it the arm holds.
    """

    camera: CameraLayout
    tray: TrayLayout
    bins: CellLayoutBins
    part_heights_m: CellLayoutPartHeightsM
    home_base_m: list[float]
    limits: MotionLimits

    def to_dict(self) -> dict[str, Any]:
        camera = self.camera.to_dict()

        tray = self.tray.to_dict()

        bins = self.bins.to_dict()

        part_heights_m = self.part_heights_m.to_dict()

        home_base_m = []
        for home_base_m_item_data in self.home_base_m:
            home_base_m_item: float
            home_base_m_item = home_base_m_item_data
            home_base_m.append(home_base_m_item)

        limits = self.limits.to_dict()

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "camera": camera,
                "tray": tray,
                "bins": bins,
                "part_heights_m": part_heights_m,
                "home_base_m": home_base_m,
                "limits": limits,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.camera_layout import CameraLayout  # noqa: PLC0415
        from ..models.cell_layout_bins import CellLayoutBins  # noqa: PLC0415
        from ..models.cell_layout_part_heights_m import CellLayoutPartHeightsM  # noqa: PLC0415
        from ..models.motion_limits import MotionLimits  # noqa: PLC0415
        from ..models.tray_layout import TrayLayout  # noqa: PLC0415

        d = dict(src_dict)
        camera = CameraLayout.from_dict(d.pop("camera"))

        tray = TrayLayout.from_dict(d.pop("tray"))

        bins = CellLayoutBins.from_dict(d.pop("bins"))

        part_heights_m = CellLayoutPartHeightsM.from_dict(d.pop("part_heights_m"))

        home_base_m = []
        _home_base_m = d.pop("home_base_m")
        for home_base_m_item_data in _home_base_m:

            def _parse_home_base_m_item(data: object) -> float:
                return cast(float, data)

            home_base_m_item = _parse_home_base_m_item(home_base_m_item_data)

            home_base_m.append(home_base_m_item)

        limits = MotionLimits.from_dict(d.pop("limits"))

        cell_layout = cls(
            camera=camera,
            tray=tray,
            bins=bins,
            part_heights_m=part_heights_m,
            home_base_m=home_base_m,
            limits=limits,
        )

        return cell_layout
