"""Flow matching from S to T (Tong et al. 2024), with couplings by optimal transport."""

from dataclasses import dataclass

from outofsample.methods.families.transport import Transport, TransportSettings


@dataclass(frozen=True)
class Settings(TransportSettings):
    """Options, see `TransportSettings`."""

    model: str = "flow_matching"


class Method(Transport):
    """A velocity field learned along straight paths from S to T; the query's cells are carried along it."""

    Settings = Settings
