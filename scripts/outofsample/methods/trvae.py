"""trVAE (Lotfollahi et al.)."""

from dataclasses import dataclass

from outofsample.methods.families.conditional import ConditionalDecoder, DecoderSettings


@dataclass(frozen=True)
class Settings(DecoderSettings):
    """Options, see `DecoderSettings`."""

    model: str = "trvae"


class Method(ConditionalDecoder):
    """A conditional variational autoencoder with MMD on the first layer of its decoder."""

    Settings = Settings
