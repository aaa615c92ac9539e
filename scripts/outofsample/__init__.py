"""Out-of-sample extrapolation: how population B would look after the change that population A went through.

The package is imported from ``scripts/`` by every job of the pipeline, and can be installed with pip. Importing
it costs nothing: heavy packages are imported where they are used. ``from outofsample import NeuronEditor`` gives
Neuron Editing as a scikit-learn estimator (`outofsample.estimator`).
"""

import importlib

__version__ = "0.1.0"


def __getattr__(name: str):
    """Import the estimator when it is asked for.

    By its name as a string: an import statement would make every job depend on the estimator
    (`outofsample.study.imports`).
    """
    if name == "NeuronEditor":
        return importlib.import_module("outofsample.estimator").NeuronEditor
    raise AttributeError(f"module 'outofsample' has no attribute '{name}'")
