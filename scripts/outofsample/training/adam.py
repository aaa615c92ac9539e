"""Adam (Kingma & Ba 2015) as a thin state around torch's fused kernel.

`torch.optim.Adam` does the same arithmetic, but its first use imports torch's compiler: about as many seconds of
imports as torch itself takes, in every training job, for a compiler that nothing here uses.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.optim.adam import adam


class Adam:
    """Updates parameters by their gradients; the same bits as ``torch.optim.Adam(..., fused=True)``.

    The fused kernel updates all parameters at once: for the small networks of the papers half of a step's time.

    Attributes
    ----------
    parameters
        What is updated. Those without a gradient stay as they are.
    learning_rate, betas, epsilon
        The paper's alpha, (beta1, beta2) and epsilon.
    """

    def __init__(
        self,
        parameters: Sequence[nn.Parameter],
        learning_rate: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        epsilon: float = 1e-8,
    ):
        self.parameters = list(parameters)
        self.learning_rate, self.betas, self.epsilon = learning_rate, betas, epsilon
        self.means = [torch.zeros_like(parameter) for parameter in self.parameters]
        self.squares = [torch.zeros_like(parameter) for parameter in self.parameters]
        self.steps = [torch.zeros((), device=parameter.device) for parameter in self.parameters]

    def zero_gradients(self) -> None:
        """Forget all gradients."""
        for parameter in self.parameters:
            parameter.grad = None

    @torch.no_grad()
    def step(self) -> None:
        """Move every parameter that has a gradient."""
        moved = [number for number, parameter in enumerate(self.parameters) if parameter.grad is not None]
        columns = [self.parameters, [parameter.grad for parameter in self.parameters], self.means, self.squares]
        adam(
            *([column[number] for number in moved] for column in columns),
            [],
            [self.steps[number] for number in moved],
            fused=True,
            amsgrad=False,
            beta1=self.betas[0],
            beta2=self.betas[1],
            lr=self.learning_rate,
            weight_decay=0.0,
            eps=self.epsilon,
            maximize=False,
        )

    def state_dict(self) -> dict[str, float | list[Tensor]]:
        """Return all that a resumed training needs."""
        return {
            "learning_rate": self.learning_rate,
            "means": self.means,
            "squares": self.squares,
            "steps": self.steps,
        }

    def load_state_dict(self, state: dict[str, float | list[Tensor]]) -> None:
        """Go on from the state of another one with as many parameters."""
        self.learning_rate = state["learning_rate"]
        for name in ("means", "squares", "steps"):
            for own, other in zip(getattr(self, name), state[name], strict=True):
                own.copy_(other)
