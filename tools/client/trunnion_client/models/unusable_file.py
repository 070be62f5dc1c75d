from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define

T = TypeVar("T", bound="UnusableFile")


@_attrs_define
class UnusableFile:
    """A file that is called a bundle and is none.

    Attributes:
        file (str):
        message (str):
    """

    file: str
    message: str

    def to_dict(self) -> dict[str, Any]:
        file = self.file

        message = self.message

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "file": file,
                "message": message,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        file = d.pop("file")

        message = d.pop("message")

        unusable_file = cls(
            file=file,
            message=message,
        )

        return unusable_file
