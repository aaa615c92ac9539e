"""CVAE (trVAE, Section 4)."""

from dataclasses import dataclass

from outofsample.methods.families.conditional import ConditionalDecoder, DecoderSettings


@dataclass(frozen=True)
class Settings(DecoderSettings):
    """Options, see `DecoderSettings`."""

    model: str = "cvae"


class Method(ConditionalDecoder):
    """A conditional variational autoencoder."""

    Settings = Settings
