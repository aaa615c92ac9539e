"""A simulator of single-cell data with conditions and donors, for the stand-ins.

It draws unique molecular counts: a cell's molecules are spread over the genes by its type, its condition and its
donor, with negative binomial noise. Which genes mark a type and which respond is written down by the dataset; the rest
(`FILLER`) is drawn. The response has a part that all cell types share and one that is their own, so that what other
types do tells much, but not all, of what a held-out type does.
"""

import gzip
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np

from outofsample.files import writing

#: Name of the stand-in's genes that have no name of their own; no real gene is called so.
FILLER = "Gene{number:04d}"


def is_stand_in(genes: Sequence[str]) -> bool:
    """Whether these are the genes of a simulated stand-in."""
    return FILLER.format(number=1) in set(genes)


@dataclass(frozen=True)
class Effect:
    """Genes that change with a condition.

    Attributes
    ----------
    genes
        Their names, separated by spaces.
    change
        Change of the natural logarithm of their expression.
    types
        Cell types in which they change; empty: in all, with a strength that differs from type to type.
    """

    genes: str
    change: float
    types: tuple[str, ...] = ()


@dataclass(frozen=True)
class Tissue:
    """What a simulated tissue expresses.

    Attributes
    ----------
    genes, types
        Names of the genes and of the cell types.
    expression
        Array (types, genes): natural logarithm of the relative expression in the first condition.
    response
        Per condition an array (types, genes): change of that logarithm.
    donors
        Array (donors, genes): how that logarithm deviates in each donor.
    """

    genes: tuple[str, ...]
    types: tuple[str, ...]
    expression: np.ndarray
    response: dict[str, np.ndarray]
    donors: np.ndarray


def named_genes(markers: Mapping[str, str], housekeeping: str, effects: Mapping[str, Sequence[Effect]]) -> list[str]:
    """Return every gene that a dataset names, each once, in order."""
    words = [housekeeping, *markers.values(), *(effect.genes for part in effects.values() for effect in part)]
    return list(dict.fromkeys(" ".join(words).split()))


def check_size(cells: int, genes: int, named: Sequence[str]) -> None:
    """Check the size of a stand-in, which has at least one gene besides the ``named`` ones.

    Raises
    ------
    ValueError
        If a value is out of its range.
    """
    if cells < 100:
        raise ValueError(f"cells must be at least 100, not {cells}")
    if genes <= len(named):
        raise ValueError(f"genes must be more than the {len(named)} that have a name of their own, not {genes}")


def build_tissue(
    seed: int,
    n_genes: int,
    n_donors: int,
    markers: Mapping[str, str],
    housekeeping: str,
    effects: Mapping[str, Sequence[Effect]],
    filler_change: float = 0.7,
) -> Tissue:
    """Build a tissue from what a dataset writes down, and draw the rest.

    Parameters
    ----------
    seed
        Seed of what is drawn: it is the experiment, not the sample of cells.
    n_genes
        Number of genes; those that are not named are `FILLER`.
    n_donors
        Number of donors, whose genes deviate from each other with a standard deviation of .1.
    markers
        Per cell type the genes that mark it.
    housekeeping
        Genes that every cell has many of: they take up most of a cell's molecules, as ribosomal genes do.
    effects
        Per condition the genes that respond; the first condition of the data has none.
    filler_change
        Standard deviation of the change of the fillers that respond, an eighth of them; a quarter differs
        between types.
    """
    rng = np.random.default_rng(seed)
    genes = named_genes(markers, housekeeping, effects)
    n_named = len(genes)
    genes += [FILLER.format(number=number) for number in range(1, n_genes - n_named + 1)]
    column = {gene: number for number, gene in enumerate(genes)}
    types = tuple(markers)
    base = rng.normal(0.0, 1.0, n_genes)
    base[:n_named] = rng.normal(-0.1, 0.4, n_named)
    base[[column[gene] for gene in housekeeping.split()]] = rng.normal(5.2, 0.5, len(housekeeping.split()))
    own = rng.normal(0.0, 1.0, (len(types), n_genes)) * (rng.random(n_genes) < 0.25)
    own[:, :n_named] = rng.normal(0.0, 0.2, (len(types), n_named))
    expression = base + own
    for row, names in enumerate(markers.values()):
        columns = [column[gene] for gene in names.split()]
        expression[row, columns] = rng.uniform(2.0, 4.0, len(columns))
    response = {}
    for condition, part in effects.items():
        fillers = np.flatnonzero(rng.random(n_genes - n_named) < 0.125) + n_named
        drawn = [
            Effect(genes[gene], change)
            for gene, change in zip(fillers, rng.normal(0, filler_change, len(fillers)), strict=True)
        ]
        response[condition] = _response(rng, column, types, [*part, *drawn])
    return Tissue(tuple(genes), types, expression, response, rng.normal(0.0, 0.1, (n_donors, n_genes)))


def _response(
    rng: np.random.Generator, column: dict[str, int], types: tuple[str, ...], effects: Sequence[Effect]
) -> np.ndarray:
    """Return the change (types, genes) that these effects make.

    Of the genes that are not bound to certain types, one in six responds in a part of the types only, and one in six
    with another strength in each; the others with nearly the same.
    """
    response = np.zeros((len(types), len(column)))
    for effect in effects:
        for gene in effect.genes.split():
            strength = np.exp(rng.normal(0.0, 0.2, len(types)))
            kind = rng.integers(6)
            if effect.types:
                strength *= np.isin(types, effect.types)
            elif kind == 0:
                strength *= rng.random(len(types)) < 0.5
            elif kind == 1:
                strength *= rng.uniform(0.1, 1.5, len(types))
            response[:, column[gene]] += effect.change * strength
    return response


def share_out(n_cells: int, weights: Mapping[str, float]) -> dict[str, int]:
    """Divide ``n_cells`` by ``weights``: whole numbers that sum up to it, by largest remainder."""
    exact = n_cells * np.array(list(weights.values()), dtype=float) / sum(weights.values())
    number = np.floor(exact).astype(int)
    number[np.argsort(number - exact, kind="stable")[: n_cells - number.sum()]] += 1
    return dict(zip(weights, number.tolist(), strict=True))


def draw_counts(
    rng: np.random.Generator,
    tissue: Tissue,
    types: np.ndarray,
    condition: str,
    donor: np.ndarray,
    molecules: float,
    dispersion: float = 0.25,
) -> np.ndarray:
    """Draw the counts (cells, genes) int64 of cells in one condition.

    Parameters
    ----------
    types
        Array (cells,) of names of cell types.
    condition
        Its response is applied, in each cell with a strength of its own; without response where it has none.
    donor
        Array (cells,): number of the cell's donor.
    molecules
        Median number of molecules of a cell; the numbers are log-normal with standard deviation .35.
    dispersion
        Of the negative binomial: variance = mean + dispersion mean^2.
    """
    row = np.array([tissue.types.index(name) for name in types], dtype=int)
    log_expression = tissue.expression[row]
    if condition in tissue.response:
        strength = np.clip(rng.normal(1.0, 0.2, (len(row), 1)), 0.2, None)
        log_expression = log_expression + strength * tissue.response[condition][row]
    expression = np.exp(log_expression + tissue.donors[donor])
    size = molecules * np.exp(rng.normal(0.0, 0.35, (len(row), 1)))
    mean = size * expression / expression.sum(axis=1, keepdims=True)
    return rng.poisson(mean * rng.gamma(1 / dispersion, dispersion, mean.shape))


def barcodes(rng: np.random.Generator, n_cells: int, length: int = 14) -> list[str]:
    """Draw ``n_cells`` cell barcodes that differ from each other."""
    drawn: dict[str, None] = {}
    while len(drawn) < n_cells:
        letters = rng.integers(0, 4, (n_cells - len(drawn), length))
        drawn |= dict.fromkeys("".join("ACGT"[letter] for letter in row) for row in letters)
    return list(drawn)


@contextmanager
def _gzip_file(path: Path) -> Iterator[BinaryIO]:
    """Open a file for compressed writing; without a name and a time in its head, the same text has the same bytes."""
    with (
        writing.replacing(path) as temporary,
        temporary.open("wb") as file,
        gzip.GzipFile(filename="", mode="wb", compresslevel=6, fileobj=file, mtime=0) as packed,
    ):
        yield packed


def write_gzip(path: Path, text: str) -> None:
    """Write ``text`` compressed; the same text gives the same bytes."""
    with _gzip_file(path) as file:
        file.write(text.encode())


def write_matrix(path: Path, counts: np.ndarray) -> None:
    """Write counts (genes, cells) as a compressed Matrix Market file, as 10x Genomics' software does."""
    from scipy.io import mmwrite
    from scipy.sparse import coo_matrix

    with _gzip_file(path) as file:
        mmwrite(file, coo_matrix(counts), field="integer", symmetry="general")
