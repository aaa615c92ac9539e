"""The generative adversarial network that Neuron Editing is compared with (Section 3)."""

from outofsample.models.families.translator import Translator, TranslatorSettings


class Model(Translator):
    """A generator from S to cells like T, and a discriminator; binary cross-entropy on logits.

    The generator is rewarded where the discriminator takes its cells for target cells (the non-saturating loss).
    """

    Settings = TranslatorSettings
    residual = False

    def build(self, features: int):
        import torch

        leak = self.settings.leak
        return torch.nn.ModuleDict(
            {
                "to_target": self.generator(features, self.residual, leak=leak),
                "judge": self.discriminator(features, leak=leak),
            }
        )

    def players(self, network) -> list:
        import torch
        from torch.nn.functional import softplus

        generator, judge = network["to_target"], network["judge"]

        def fool(batches):
            return {"loss": softplus(-judge(generator(batches[0]["x"]))).mean()}

        def judge_cells(batches):
            source, target = (batch["x"] for batch in batches)
            with torch.no_grad():
                made = generator(source)
            real, fake = softplus(-judge(target)).mean(), softplus(judge(made)).mean()
            return {"real": real, "fake": fake, "loss": real + fake}

        betas = (self.settings.beta1, 0.999)
        return [
            self.player("generator", generator.parameters(), fool, betas=betas),
            self.player("discriminator", judge.parameters(), judge_cells, betas=betas),
        ]
