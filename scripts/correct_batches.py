"""Correct the query of one task with one batch corrector; where R is missing the file says so instead."""

import argparse
from pathlib import Path

from outofsample import registry
from outofsample.errors import NotAvailable, run_script
from outofsample.files.missing import pass_on
from outofsample.jobs.predict import CorrectionSpec


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--spec", required=True, help="JSON of a CorrectionSpec; - is the standard input")
    parser.add_argument("--train", type=Path, required=True, help="training part of the task")
    parser.add_argument("--output", type=Path, required=True, help="prediction file to write")
    parser.add_argument("--keep", type=Path, nargs="*", default=[], help="file to keep the fitted method in, if any")
    args = parser.parse_args()
    spec = CorrectionSpec.read(args.spec)
    if pass_on([args.train], [args.output, *args.keep]):
        return

    from outofsample.files.fitted_methods import write_correction
    from outofsample.files.prediction import PredictionWriter
    from outofsample.files.task import read_training
    from outofsample.methods.families.held_out import hold_out_domains

    data, name = read_training(args.train, counts=False), spec.method.name
    writer = PredictionWriter(data, name, in_sample_cells=spec.in_sample_cells)
    method = registry.create("methods", spec.method.uses, spec.method.settings)
    try:
        method.fit(data)
    except NotAvailable as missing:
        print(f"{name} is not run. {missing}")
        writer.write(args.output, not_run=missing.reason)
        for path in args.keep:
            write_correction(path, name, None)
        return
    writer.add_all(method.transform, 0)
    if spec.held_out:
        writer.held_out = hold_out_domains(method, data)
    writer.write(args.output, backend=method.backend, versions=method.versions)
    for path in args.keep:
        write_correction(path, name, method.whole_state())
    print(f"{name}: done by {method.backend}")


if __name__ == "__main__":
    run_script(main)
