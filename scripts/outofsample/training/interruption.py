"""Ending a training that is asked to stop (SIGTERM) where it can be taken up again."""

import signal
import threading


class Interrupted(SystemExit):
    """Training was asked to stop (SIGTERM); a checkpoint was written, and the next attempt goes on from it."""


class stop_on_sigterm:
    """Within the block, SIGTERM sets the event that the loop looks at, instead of ending the process."""

    def __enter__(self) -> threading.Event:
        self.event = threading.Event()
        # Python allows signal handlers in the main thread alone; elsewhere SIGTERM keeps its meaning.
        self.main = threading.current_thread() is threading.main_thread()
        if self.main:
            self.before = signal.signal(signal.SIGTERM, lambda *_: self.event.set())
        return self.event

    def __exit__(self, *_) -> None:
        if self.main:
            signal.signal(signal.SIGTERM, self.before)
