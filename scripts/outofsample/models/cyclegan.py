"""CycleGAN, as the Neuron Editing papers and trVAE compare with it (Zhu et al. 2017)."""

from dataclasses import dataclass

from outofsample.models.families.translator import Translator, TranslatorSettings


@dataclass(frozen=True)
class Settings(TranslatorSettings):
    """Hyper-parameters, see `TranslatorSettings`; for trVAE's style transfer GAN set the widths of its Table 7.

    Attributes
    ----------
    adversarial
        ``least_squares`` or ``cross_entropy``.
    cycle, identity
        Weights of the L1 cycle term, and of the L1 identity term as a share of it.
    pool
        Past fakes that the discriminators are shown again.
    dropout, batch_norm
        Share of dropout in all hidden layers, and whether they are batch normalised (Table 7: 0.5 and true).
    variant
        ``corrected``, or ``as_published``: trVAE's published code rewards the generator for cells that look like
        the *source*, and ends its discriminators in batch norm and dropout.
    """

    adversarial: str = "least_squares"
    cycle: float = 10.0
    identity: float = 0.5
    pool: int = 50
    dropout: float = 0.0
    batch_norm: bool = False
    variant: str = "corrected"

    def __post_init__(self):
        super().__post_init__()
        self.require_word("adversarial", "least_squares", "cross_entropy")
        self.require_word("variant", "corrected", "as_published")
        self.require_at_least(0, "cycle", "identity")
        self.require_at_least(1, "pool")
        self.require_share("dropout")


class Model(Translator):
    """Two generators, S -> T and back, and two discriminators; going there and back must give the cell itself."""

    Settings = Settings

    def build(self, features: int):
        import torch

        from outofsample.networks.adversarial import ImagePool

        settings = self.settings
        published = settings.variant == "as_published"
        style = {"leak": settings.leak, "dropout": settings.dropout, "batch_norm": settings.batch_norm}
        judges = {**style, "ends_normed": published}
        return torch.nn.ModuleDict(
            {
                "to_target": self.generator(features, **style),
                "to_source": self.generator(features, **style),
                "judge_target": self.discriminator(features, **judges),
                "judge_source": self.discriminator(features, **judges),
                "pool_target": ImagePool(settings.pool, features),
                "pool_source": ImagePool(settings.pool, features),
            }
        )

    def players(self, network) -> list:
        import torch

        forward, backward = network["to_target"], network["to_source"]
        # The published variant asks the judge of the other population: it takes the fake target for a source cell.
        published = self.settings.variant == "as_published"
        judged_forward = network["judge_source" if published else "judge_target"]
        judged_backward = network["judge_target" if published else "judge_source"]

        def translate(batches):
            return self.generator_terms(forward, backward, judged_forward, judged_backward, batches)

        def judge(batches):
            source, target = (batch["x"] for batch in batches)
            with torch.no_grad():
                fakes = (forward(source), backward(target))
            terms = {}
            for name, real, fake in (("target", target, fakes[0]), ("source", source, fakes[1])):
                shown = network[f"pool_{name}"](fake)
                verdict = network[f"judge_{name}"]
                terms[name] = 0.5 * (self.adversarial(verdict(real), True) + self.adversarial(verdict(shown), False))
            return {**terms, "loss": terms["target"] + terms["source"]}

        betas = (self.settings.beta1, 0.999)
        judges = [*network["judge_target"].parameters(), *network["judge_source"].parameters()]
        return [
            self.player("generators", [*forward.parameters(), *backward.parameters()], translate, betas=betas),
            self.player("discriminators", judges, judge, betas=betas),
        ]

    def generator_terms(self, forward, backward, judge_forward, judge_backward, batches) -> dict:
        """Return the generators' terms: adversarial, cycle and identity, the last two as mean absolute errors."""
        from torch.nn.functional import l1_loss

        source, target = (batch["x"] for batch in batches)
        fake_target, fake_source = forward(source), backward(target)
        adversarial = self.adversarial(judge_forward(fake_target), True)
        adversarial = adversarial + self.adversarial(judge_backward(fake_source), True)
        cycle = l1_loss(backward(fake_target), source) + l1_loss(forward(fake_source), target)
        identity = l1_loss(forward(target), target) + l1_loss(backward(source), source)
        settings = self.settings
        loss = adversarial + settings.cycle * (cycle + settings.identity * identity)
        return {"adversarial": adversarial, "cycle": cycle, "identity": identity, "loss": loss}

    def adversarial(self, logits, real: bool):
        """Return the loss of calling cells real (or not), given a judge's outputs (cells, 1)."""
        from torch.nn.functional import softplus

        if self.settings.adversarial == "least_squares":
            return ((logits - float(real)) ** 2).mean()
        return softplus(-logits if real else logits).mean()
