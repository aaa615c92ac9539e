"""scVI (trVAE, Section 4)."""

from dataclasses import dataclass

from outofsample.methods.families.conditional import ConditionalDecoder, DecoderSettings


@dataclass(frozen=True)
class Settings(DecoderSettings):
    """Options, see `DecoderSettings`."""

    model: str = "scvi"


class Method(ConditionalDecoder):
    """scvi-tools' SCVI on raw counts, decoded under the target condition."""

    Settings = Settings
    data = frozenset({"counts"})
