"""GAN (Neuron Editing, Tables 1 to 3)."""

from dataclasses import dataclass

from outofsample.methods.families.translator import TranslatorMethod, TranslatorSettings


@dataclass(frozen=True)
class Settings(TranslatorSettings):
    """Options, see `TranslatorSettings`."""

    model: str = "gan"


class Method(TranslatorMethod):
    """The generator of a GAN trained to turn S into cells like T."""

    Settings = Settings
