"""The latent additive model of PerturBench (Wu et al. 2024)."""

from dataclasses import dataclass

from outofsample.methods.families.conditional import ConditionalDecoder, DecoderSettings


@dataclass(frozen=True)
class Settings(DecoderSettings):
    """Options, see `DecoderSettings`; the model has no distribution to draw from."""

    model: str = "latent_additive"

    def __post_init__(self):
        super().__post_init__()
        if self.prediction != "mean":
            raise ValueError("prediction must be 'mean': this model has no distribution to draw from")


class Method(ConditionalDecoder):
    """A code of the cell plus a vector of the condition, decoded."""

    Settings = Settings
