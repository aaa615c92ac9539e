"""Fetching a raw file."""

from dataclasses import dataclass

from outofsample.jobs.base import Spec


@dataclass(frozen=True)
class FetchSpec(Spec):
    """A raw file that is copied from the data folder, or downloaded where it is not there.

    Attributes
    ----------
    name
        Name of the file, for messages.
    local
        Where it may be already (``DATA_DIR/FOLDER/NAME``).
    sha256
        Expected digest; without it any content is taken.
    url
        Where to download it from.
    hint
        What to do where the file is missing and has no address.
    state
        Size and time of a local file that no digest vouches for, and how often it could not be had: when they change,
        the file is taken anew.
    dataset
        The dataset that it belongs to.
    required
        Whether the job fails where the file cannot be had, and does not leave a note in its place.
    link
        Whether the file is linked to, not copied: cohorts are large.
    """

    name: str
    local: str
    sha256: str | None = None
    url: str | None = None
    hint: str = ""
    state: str = ""
    dataset: str = ""
    required: bool = False
    link: bool = False
