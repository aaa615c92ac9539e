"""What is trained: a *player* owns parameters and an optimiser, and returns its loss as named terms.

An autoencoder has one player; a generative adversarial network has two, which move in turn in every step.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from torch import Tensor, nn

from outofsample.training.adam import Adam
from outofsample.training.rows import Batch

Terms = dict[str, Tensor]


@dataclass
class Player:
    """One side of a training: parameters, their optimiser, and what it minimises.

    Attributes
    ----------
    terms
        Function of the list of batches (one per group) that returns the named terms; ``loss`` is minimised.
    clip_gradient
        Scale gradients down to this norm; None: never.
    turns
        Steps of the optimiser in one step of the training, each on a part of the batches of its own.
    after
        Called after each step of the optimiser, for weights that must stay in some range.
    """

    name: str
    parameters: list[nn.Parameter]
    terms: Callable[[list[Batch]], Terms]
    learning_rate: float = 1e-3
    clip_gradient: float | None = None
    betas: tuple[float, float] = (0.9, 0.999)
    turns: int = 1
    after: Callable[[], None] | None = None
    optimizer: Adam = field(init=False)

    def __post_init__(self):
        self.optimizer = Adam(self.parameters, self.learning_rate, self.betas)

    def step(self, batches: list[Batch]) -> Terms:
        """Take the player's steps and return the terms of the last, detached."""
        for turn in range(self.turns):
            terms = self._move(batches if self.turns == 1 else [self._part(batch, turn) for batch in batches])
        return terms

    def _part(self, batch: Batch, turn: int) -> Batch:
        """Return the cells of a batch that one turn sees; together the turns see each cell once."""
        cells = len(next(iter(batch.values())))
        return {
            name: values[turn * cells // self.turns : (turn + 1) * cells // self.turns]
            for name, values in batch.items()
        }

    def _move(self, batches: list[Batch]) -> Terms:
        """Take one step of the optimiser."""
        terms = self.terms(batches)
        # Other players' losses leave gradients here too; each step starts from none.
        self.optimizer.zero_gradients()
        terms["loss"].backward()
        if self.clip_gradient is not None:
            nn.utils.clip_grad_norm_(self.parameters, self.clip_gradient)
        self.optimizer.step()
        if self.after is not None:
            self.after()
        return {name: value.detach() for name, value in terms.items()}

    def gradient_norm(self) -> float:
        """Return the norm of the last step's gradients."""
        gradients = [parameter.grad for parameter in self.parameters if parameter.grad is not None]
        return float(nn.utils.get_total_norm(gradients)) if gradients else 0.0
