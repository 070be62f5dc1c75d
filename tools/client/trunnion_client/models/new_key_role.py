from enum import StrEnum


class NewKeyRole(StrEnum):
    ADMIN = "admin"
    INTEGRATOR = "integrator"
    OPERATOR = "operator"
    VIEWER = "viewer"

    def __str__(self) -> str:
        return str(self.value)
