"""ResnetGAN (Neuron Editing, Tables 1 to 3)."""

from dataclasses import dataclass

from outofsample.methods.families.translator import TranslatorMethod, TranslatorSettings


@dataclass(frozen=True)
class Settings(TranslatorSettings):
    """Options, see `TranslatorSettings`."""

    model: str = "resnet_gan"


class Method(TranslatorMethod):
    """The residual generator of a GAN: x + G(x)."""

    Settings = Settings
