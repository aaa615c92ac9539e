"""SAUCIE, the MMD-regularised autoencoder (trVAE, Section 4)."""

from dataclasses import dataclass

from outofsample.methods.families.conditional import ConditionalDecoder, DecoderSettings


@dataclass(frozen=True)
class Settings(DecoderSettings):
    """Options, see `DecoderSettings`."""

    model: str = "saucie"


class Method(ConditionalDecoder):
    """An autoencoder with MMD on its bottleneck; the variant ``as_published`` of its model knows no conditions."""

    Settings = Settings
    data = frozenset({"tabular"})
