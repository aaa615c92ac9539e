"""CellOT (Bunne et al. 2023): optimal transport by input-convex networks."""

from dataclasses import dataclass

from outofsample.methods.families.transport import Transport, TransportSettings


@dataclass(frozen=True)
class Settings(TransportSettings):
    """Options, see `TransportSettings`."""

    model: str = "cellot"


class Method(Transport):
    """The gradient of a convex network, trained to be the optimal map from S to T, applied to the query's cells."""

    Settings = Settings
