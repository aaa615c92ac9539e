"""How long a network is trained."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Budget:
    """How long to train.

    Attributes
    ----------
    epochs
        At most so many; an epoch takes as many steps as the pooled cells fill batches. Not looked at where
        ``max_steps`` is set.
    batch_size
        Cells per group and step.
    patience
        Stop after so many epochs without a better validation loss, and take the best weights; None: train all epochs.
    validation
        Share of each group that is held out for the validation loss, where that loss decides anything (`chooses`).
    learning_rate_patience
        Divide the learning rates by ten after so many epochs without a better validation loss; None: never.
    max_steps
        At most so many steps in all, in place of ``epochs``; None: as many as the epochs have.
    validation_chunk
        Cells per group that are evaluated at once for the validation loss.
    """

    epochs: int
    batch_size: int
    patience: int | None = None
    validation: float = 0.1
    learning_rate_patience: int | None = None
    max_steps: int | None = None
    validation_chunk: int = 4096

    @property
    def chooses(self) -> bool:
        """Whether the validation loss decides anything: when to stop, which weights to keep, the learning rate."""
        return self.patience is not None or self.learning_rate_patience is not None
