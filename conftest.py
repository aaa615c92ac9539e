"""Options of pytest. They stand here since pytest reads this file also where an option's value is a path."""


def pytest_addoption(parser):
    """Add the options of the contract test."""
    parser.addoption(
        "--method", action="append", default=[], help="run the contract tests on this method alone: its name or file"
    )
    parser.addoption("--model", help="with --method: the model, by name or file, that the method stands on")
