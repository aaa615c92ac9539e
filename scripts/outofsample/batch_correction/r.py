"""A small layer over rpy2: R functions that take and return matrices of cells.

R runs inside this process and starts with the first call, so that importing this module costs nothing and works
where there is no R. Only `rpy2.rinterface` is used: it needs neither a compiler nor pandas.

Matrices are (cells, features) in Python and features x cells in R. These are the same bytes (C order here, column
order there), so nothing is transposed. Both sides compute in float64; float32 goes over without loss.
"""

import atexit
import functools
import locale
import os
import signal
import sys
import threading
import warnings
from pathlib import Path

import numpy as np

from outofsample.errors import NotAvailable, UserError

#: Debian's packages, with which R packages are installed in the project's own set-up.
DEBIAN = {"sva": "r-bioc-sva", "limma": "r-bioc-limma", "Seurat": "r-cran-seurat"}

#: R's message, a string, takes the place of the result; the log shows where the error came from.
ON_ERROR = "function(e) { print(e); conditionMessage(e) }"


def call(code: str, packages: tuple[str, ...] = (), seed: int = 0, **arguments) -> np.ndarray:
    """Call the R function that ``code`` defines, and return its result.

    Parameters
    ----------
    code
        R code of one function, whose arguments have the names in ``arguments``.
    packages
        R packages that it uses.
    seed
        For R's ``set.seed``.
    arguments
        Numbers, strings, booleans, None (R's NULL), or arrays (cells, features), which R gets as features x cells.

    Returns
    -------
    Array (cells, features) float64 of the matrix features x cells that R returns, or (n,) of a vector.

    Raises
    ------
    NotAvailable
        If R, rpy2 or one of the packages is missing.
    UserError
        If R stops with an error; the message is R's own.
    """
    rinterface = session()
    for package in packages:
        require(package)
    # R gets the data by name. rpy2 would write them out into the call itself, and Seurat, which logs the calls that
    # led to it, would then print millions of numbers (measured: 420 of 425 seconds).
    place = rinterface.baseenv["new.env"](parent=rinterface.globalenv)
    for name, value in arguments.items():
        place[name] = _to_r(value)
    place["body"] = rinterface.evalr(code)
    names = ", ".join(f"{name} = {name}" for name in arguments)
    rinterface.baseenv["set.seed"](int(seed) % 2**31)
    result = rinterface.evalr(f"tryCatch(body({names}), error = {ON_ERROR})", envir=place)
    if result.typeof == rinterface.RTYPES.STRSXP:
        raise UserError(f"R stopped: {' '.join(result[0].split())}")
    return _to_python(result)


def versions(*packages: str) -> dict[str, str]:
    """Return the versions of R, rpy2 and these R packages, which must be installed."""
    import rpy2

    for name in packages:
        require(name)
    ask = session().evalr("function(name) as.character(if (name == 'R') getRversion() else packageVersion(name))")
    return {"R": ask("R")[0], "rpy2": rpy2.__version__} | {name: ask(name)[0] for name in packages}


def has(package: str) -> bool:
    """Return whether R is there and has this package."""
    try:
        require(package)
    except NotAvailable:
        return False
    return True


def require(package: str) -> None:
    """Raise `NotAvailable` if R or this package of R is not installed."""
    if not session().baseenv["nzchar"](session().baseenv["system.file"](package=package))[0]:
        debian = f"apt-get install {DEBIAN[package]}, or " if package in DEBIAN else ""
        raise NotAvailable(
            f"R package '{package}' missing", f"install it ({debian}BiocManager::install('{package}') in R)"
        )


@functools.cache
def session():
    """Start R once per process, and return `rpy2.rinterface`.

    R's warnings and output go to stderr as they come. User and project profiles (``.Rprofile``) and saved
    workspaces (``.RData``) are not read: they would change results from one folder to the next. R's SIGINT handler
    and locale do not stay: Ctrl-C works as before, and R sorts as in the C locale on every machine.

    Raises
    ------
    NotAvailable
        If R or rpy2 is missing, or R's library cannot be loaded.
    """
    if r_home() is None:
        raise NotAvailable("R missing", "install it (apt-get install r-base-core), or run with --use-conda")
    os.environ["R_PROFILE_USER"] = ""
    try:
        # Loading the library already fails where R was built without one (no --enable-R-shlib) or it can't be found.
        from rpy2 import rinterface
        from rpy2.rinterface_lib import callbacks
    except (ImportError, OSError, ValueError) as error:
        raise NotAvailable(
            "R missing", f"its shared library cannot be loaded ({error}); apt-get install r-base-core"
        ) from error
    rinterface.embedded.set_initoptions(("rpy2", "--quiet", "--no-save", "--no-restore", "--no-init-file"))
    before, handler = locale.setlocale(locale.LC_ALL), signal.getsignal(signal.SIGINT)
    with warnings.catch_warnings():
        # rpy2 warns of each environment variable that R's start script sets.
        warnings.simplefilter("ignore")
        rinterface.initr(interactive=False)
    locale.setlocale(locale.LC_ALL, before)
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, handler)
    callbacks.consolewrite_print = callbacks.consolewrite_warnerror = callbacks.showmessage = _to_stderr
    # Seurat goes through the package future, which by default refuses objects above 500 MB.
    rinterface.evalr("options(warn = 1, future.globals.maxSize = Inf)")
    atexit.register(rinterface.baseenv["unlink"], rinterface.baseenv["tempdir"](), recursive=True)
    return rinterface


def r_home() -> Path | None:
    """Return R's home (from ``R_HOME``, or as ``R RHOME`` tells), or None where there is no R.

    R ends the whole process if its home is wrong, so this looks whether R's base package is there.

    Raises
    ------
    NotAvailable
        If rpy2 is missing.
    """
    try:
        from rpy2 import situation
    except ImportError as error:
        raise NotAvailable("R missing", "the Python package rpy2 is not installed; pip install rpy2") from error
    try:
        home = situation.get_r_home()
    except (OSError, ValueError):
        return None
    return Path(home) if home and (Path(home) / "library" / "base").is_dir() else None


def _to_stderr(text: str) -> None:
    print(text, end="", file=sys.stderr, flush=True)


def _to_r(value):
    """Turn a Python value into one that rpy2 passes on."""
    rinterface = session()
    if value is None:
        return rinterface.NULL
    if not isinstance(value, np.ndarray):
        return value
    flat = np.ascontiguousarray(value, dtype=np.float64).reshape(-1)
    vector = rinterface.FloatSexpVector.from_memoryview(memoryview(flat))
    return vector if value.ndim == 1 else rinterface.baseenv["matrix"](vector, nrow=value.shape[1])


def _to_python(result) -> np.ndarray:
    """Copy an R vector or matrix: R may free its memory once nobody refers to it."""
    rinterface = session()
    result = rinterface.baseenv["as.double"](result) if result.typeof != rinterface.RTYPES.REALSXP else result
    # The view has R's shape and order, (features, cells) with the features side by side.
    return np.array(np.asarray(result.memoryview()).T, order="C")
