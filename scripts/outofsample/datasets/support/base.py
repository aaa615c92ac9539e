"""The interface of every dataset."""

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from outofsample import registry
from outofsample.errors import UserError
from outofsample.jobs.dataset import DatasetSpec

if TYPE_CHECKING:
    from anndata import AnnData

#: A path whose every part means nothing but itself to Snakemake, to a shell and to a file system.
_PLAIN = re.compile(r"(?:[A-Za-z0-9_][A-Za-z0-9_.+-]{0,99}/)*[A-Za-z0-9_][A-Za-z0-9_.+-]{0,99}")


@dataclass(frozen=True)
class RawFile:
    """One file that a dataset is read from.

    Attributes
    ----------
    name
        File name, unique within the dataset.
    sha256
        Expected digest, or None where it is not known.
    url
        Where it can be downloaded, or None where it can't.
    """

    name: str
    sha256: str | None = None
    url: str | None = None

    @property
    def stored(self) -> str:
        """Name of the pipeline's own copy: as the file is called, or a digest and what is plain of the name.

        Names of files are their user's: Snakemake would take braces for wildcards and ``<b>`` for a variable.
        """
        if _PLAIN.fullmatch(self.name):
            return self.name
        digest = hashlib.sha256(self.name.encode()).hexdigest()[:12]
        return f"{digest}_{re.sub('[^A-Za-z0-9_.+-]+', '_', self.name)[-60:]}"


def check_settings(settings, tuples: Iterable[str] = (), at_least_two: Iterable[str] = ()) -> None:
    """Check what the settings of many datasets share, and turn the lists of a configuration into tuples.

    Parameters
    ----------
    settings
        A frozen dataclass; where it has a ``seed`` or a ``cofactor``, these are checked.
    tuples
        Fields that hold several values.
    at_least_two
        Fields that hold a number of cells or images, or None.

    Raises
    ------
    ValueError
        If a value is out of its range.
    """
    for name in tuples:
        object.__setattr__(settings, name, tuple(getattr(settings, name)))
    for name in at_least_two:
        value = getattr(settings, name)
        if value is not None and value < 2:
            raise ValueError(f"{name} must be at least 2, not {value}")
    if getattr(settings, "seed", 0) < 0:
        raise ValueError(f"seed must not be negative, not {settings.seed}")
    if not getattr(settings, "cofactor", 1) > 0:
        raise ValueError(f"cofactor must be above 0, not {settings.cofactor}")


class Dataset:
    """Raw files and how they become one AnnData.

    Subclasses set ``Settings``: a frozen dataclass with at least ``folder``, the dataset's folder in ``data_dir``.
    A dataset with `can_simulate` writes stand-in files of the same format where the real ones are not at hand;
    nothing after `load` can tell the difference, but for ``uns["stand_in"]``, which says so in tables and figures.
    """

    Settings: ClassVar[type]
    can_simulate: ClassVar[bool] = False
    #: ``tabular`` (with ``counts`` where there are raw counts) or ``images``: which methods can run on it.
    kinds: ClassVar[frozenset[str]] = frozenset({"tabular"})
    #: What to tell a user whose files are missing and cannot be downloaded.
    how_to_get: ClassVar[str] = ""
    #: The domains that a task with ``leave_one_out: domain`` takes in turn, where they are known beforehand.
    domains: tuple[str, ...] = ()
    #: The (domain, condition) pairs of its cells, where they are known beforehand.
    populations: frozenset[tuple[str, str]] | None = None

    def __init__(self, settings=None):
        self.settings = settings if settings is not None else self.Settings()

    @classmethod
    def complete(cls, values: dict, data_dir: Path) -> dict:
        """Return the settings with what only a look into ``data_dir`` can tell; here there is nothing to add."""
        return values

    @property
    def papers_data(self) -> bool:
        """Whether the real files, read with these settings, are what the papers' values were measured on.

        Another source of the same experiment, with other cells or other labels, is not.
        """
        return True

    @property
    def unit(self) -> str:
        """The scale of ``X``, for axes; empty where there is none."""
        cofactor = getattr(self.settings, "cofactor", None)
        return "" if cofactor is None else f"arcsinh(x/{cofactor:g})"

    def raw_files(self) -> list[RawFile]:
        """Return the real files."""
        raise NotImplementedError

    def simulated_files(self) -> list[RawFile]:
        """Return the files that `simulate` writes."""
        return []

    def simulate(self, folder: Path) -> None:
        """Write the stand-in files into ``folder``; the seed is part of the settings."""
        raise NotImplementedError

    def load(self, paths: dict[str, Path]) -> "AnnData":
        """Read the files (name -> path) into one AnnData.

        Returns ``X`` float32 (cells, features) on the scale that models see, ``obs`` with ``condition`` and
        ``domain`` (and ``cell_type``, ``pair_id`` where known), ``var_names`` the features, ``layers["counts"]``
        where the data are counts.

        Raises
        ------
        UserError
            If a file is missing, damaged or does not fit the others; the message names it.
        """
        raise NotImplementedError

    def use_simulated(self, data_dir: Path) -> bool:
        """Whether the stand-in is used: it exists, and none of the real files is in ``data_dir``.

        Where the setting ``download`` is set, the real files are fetched instead.

        Raises
        ------
        UserError
            If some of the real files are there and others are not: a stand-in would hide the slip.
        """
        if not self.can_simulate or getattr(self.settings, "download", False):
            return False
        if not self.raw_files():
            return True
        folder = Path(data_dir) / self.settings.folder
        missing = [file.name for file in self.raw_files() if not (folder / file.name).is_file()]
        if missing and len(missing) < len(self.raw_files()):
            raise UserError(
                f"{folder}: {', '.join(missing)} is missing beside the other files; put it there, or remove them all "
                "to use the simulated stand-in."
            )
        return bool(missing)


def from_spec(spec: DatasetSpec) -> Dataset:
    """Return the dataset of a specification.

    Raises
    ------
    UserError
        If there is no such dataset, or its settings are wrong.
    """
    try:
        return registry.create("datasets", spec.uses, spec.settings)
    except (TypeError, ValueError) as error:
        raise UserError(f"the settings of dataset '{spec.name}' are wrong: {error}.") from error
