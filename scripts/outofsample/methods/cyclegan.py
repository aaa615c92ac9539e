"""CycleGAN (Neuron Editing, Tables 1 to 3; trVAE, Section 4)."""

from dataclasses import dataclass

from outofsample.methods.families.translator import TranslatorMethod, TranslatorSettings


@dataclass(frozen=True)
class Settings(TranslatorSettings):
    """Options, see `TranslatorSettings`."""

    model: str = "cyclegan"


class Method(TranslatorMethod):
    """The forward generator of a CycleGAN."""

    Settings = Settings
