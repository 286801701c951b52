"""What came of a recipe, for the window, the log and whoever starts and stops the cameras."""

from __future__ import annotations

from dataclasses import dataclass

from capture.frames import ROLES, Role
from capture.sync.config import TITLES, SyncConfig
from capture.sync.script import Step


@dataclass(frozen=True)
class SyncReport:
    """What was asked for, what each camera made of it, and how the rig behaves now.

    Attributes:
        steps: every node in the order in which it was written, the follower's before the leader's.
        start_order: the camera that waits for a signal first, the one that gives it last; stopping goes the
            other way round.
    """

    config: SyncConfig
    steps: tuple[Step, ...]
    start_order: tuple[Role, Role] = ROLES

    @property
    def failures(self) -> tuple[Step, ...]:
        """The steps without which the mode does not work."""
        return tuple(step for step in self.steps if step.failed)

    @property
    def complete(self) -> bool:
        """Whether the mode works. If not, the cameras were put back to running freely."""
        return not self.failures

    @property
    def refusals(self) -> tuple[str, ...]:
        """One line for each failure."""
        return tuple(str(step) for step in self.failures)

    @property
    def shares_trigger(self) -> bool:
        """Whether the frame ids of both cameras count the same trigger.

        Not with an external one: it goes on while the cameras start, so that their counts begin anywhere.
        """
        return self.complete and self.config.mode in ("software", "hardware", "action")

    @property
    def trigger_rate_hz(self) -> float | None:
        """The rate at which this computer has to trigger, None if it does not."""
        return self.config.frame_rate_hz if self.complete and self.config.computer_triggers else None

    @property
    def summary(self) -> str:
        """One line for the banner, empty if all is well."""
        if self.complete:
            return ""
        first, *others = self.failures
        more = f" ({len(others)} more on the Sync page)" if others else ""
        return f"{TITLES[self.config.mode]} could not be set up: {first}{more}. Both cameras run freely."
