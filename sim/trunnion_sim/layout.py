"""The layout of the sorting cell that environments and synthetic images use when they are told no other."""

from __future__ import annotations

from trunnion_contract.cell import BinLayout, CameraLayout, CellLayout, MotionLimits, TrayLayout

SORTING_CELL = CellLayout(
    camera=CameraLayout(
        width_px=320,
        height_px=240,
        vertical_field_of_view_deg=28.6,
        position_base_m=(0.49, 0.0, 0.95),
        look_at_base_m=(0.49, 0.0, 0.0),
    ),
    tray=TrayLayout(center_base_m=(0.50, 0.0, 0.005), size_m=(0.26, 0.26)),
    bins={
        "A": BinLayout(
            center_base_m=(0.50, 0.225, 0.0), size_m=(0.20, 0.14), drop_base_m=(0.50, 0.225, 0.12)
        ),
        "B": BinLayout(
            center_base_m=(0.50, -0.225, 0.0), size_m=(0.20, 0.14), drop_base_m=(0.50, -0.225, 0.12)
        ),
    },
    part_heights_m={"gear": 0.018, "bolt": 0.018, "nut": 0.016},
    home_base_m=(0.50, 0.225, 0.22),
    limits=MotionLimits(
        workspace_low_base_m=(0.34, -0.30, 0.008),
        workspace_high_base_m=(0.66, 0.30, 0.30),
        speed_max_mps=0.6,
        acceleration_max_mps2=6.0,
        opening_max_m=0.08,
        observation_age_max_ms=150,
    ),
)
