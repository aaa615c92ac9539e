"""Out-of-sample extrapolation: how population B would look after the change that population A went through.

The package is imported from ``scripts/`` by every job of the pipeline, and can be installed with pip. Importing
it costs nothing: heavy packages are imported where they are used. ``from outofsample import Extrapolator`` gives every
method as a scikit-learn estimator (`outofsample.estimator`); `read_fcs` and `write_fcs` read and write FCS files as
AnnData (`outofsample.own.fcs_cells`).
"""

import importlib

__version__ = "0.1.0"


#: What can be imported from here, and where it is.
PUBLIC = {
    "Extrapolator": "outofsample.estimator",
    "NeuronEditor": "outofsample.estimator",
    "read_fcs": "outofsample.own.fcs_cells",
    "write_fcs": "outofsample.own.fcs_cells",
}


def __getattr__(name: str):
    """Import what is asked for.

    By its name as a string: an import statement would make every job depend on the estimators
    (`outofsample.study.imports`).
    """
    if name in PUBLIC:
        return getattr(importlib.import_module(PUBLIC[name]), name)
    raise AttributeError(f"module 'outofsample' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted([*globals(), *PUBLIC])
