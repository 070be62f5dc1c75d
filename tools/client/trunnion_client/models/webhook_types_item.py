from enum import StrEnum


class WebhookTypesItem(StrEnum):
    TRUNNION_ORDER_CANCELLED = "trunnion.order.cancelled"
    TRUNNION_ORDER_FAILED = "trunnion.order.failed"
    TRUNNION_ORDER_PROGRESSED = "trunnion.order.progressed"
    TRUNNION_ORDER_QUEUED = "trunnion.order.queued"
    TRUNNION_ORDER_RUNNING = "trunnion.order.running"
    TRUNNION_ORDER_STARTING = "trunnion.order.starting"
    TRUNNION_ORDER_SUCCEEDED = "trunnion.order.succeeded"

    def __str__(self) -> str:
        return str(self.value)
