"""Monitors the connections to MongoDB: their number, and waiting threads."""

from typing import Protocol

from pymongo.monitoring import (
    ConnectionCheckedInEvent,
    ConnectionCheckedOutEvent,
    ConnectionCheckOutFailedEvent,
    ConnectionCheckOutStartedEvent,
    ConnectionClosedEvent,
    ConnectionCreatedEvent,
    ConnectionPoolListener,
    ConnectionReadyEvent,
    PoolClearedEvent,
    PoolClosedEvent,
    PoolCreatedEvent,
    PoolReadyEvent,
)


class PoolMeter(Protocol):
    """Counts connections; safe to use from many threads."""

    def opened(self, change: int) -> None:
        """Count connections that were opened, or closed when `change` is negative."""

    def lent(self, waited_seconds: float) -> None:
        """Count a connection lent to a thread."""

    def given_back(self) -> None:
        """Count a returned connection."""

    def refused(self, waited_seconds: float) -> None:
        """Count a thread that got none."""


class PoolWatch(ConnectionPoolListener):
    """Reports the driver's connection events to a meter."""

    def __init__(self, meter: PoolMeter) -> None:
        self._meter = meter

    def connection_created(self, event: ConnectionCreatedEvent) -> None:
        """Count one more."""
        self._meter.opened(1)

    def connection_closed(self, event: ConnectionClosedEvent) -> None:
        """Count one less."""
        self._meter.opened(-1)

    def connection_checked_out(self, event: ConnectionCheckedOutEvent) -> None:
        """Count one in use."""
        self._meter.lent(event.duration or 0.0)

    def connection_checked_in(self, event: ConnectionCheckedInEvent) -> None:
        """Count one that is free again."""
        self._meter.given_back()

    def connection_check_out_failed(self, event: ConnectionCheckOutFailedEvent) -> None:
        """Count a thread that got none."""
        self._meter.refused(event.duration or 0.0)

    def pool_created(self, event: PoolCreatedEvent) -> None:
        """Nothing to count, as with the others below."""

    def pool_ready(self, event: PoolReadyEvent) -> None:
        """Nothing to count."""

    def pool_cleared(self, event: PoolClearedEvent) -> None:
        """Nothing to count: each connection of it is closed by itself."""

    def pool_closed(self, event: PoolClosedEvent) -> None:
        """Nothing to count."""

    def connection_ready(self, event: ConnectionReadyEvent) -> None:
        """Nothing to count."""

    def connection_check_out_started(self, event: ConnectionCheckOutStartedEvent) -> None:
        """Nothing to count yet."""
