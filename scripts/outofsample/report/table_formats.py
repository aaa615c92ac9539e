"""Tables as Markdown and LaTeX, and the three files of a table."""

from pathlib import Path

import pandas as pd

from outofsample.files.table import write_tidy
from outofsample.files.writing import replacing
from outofsample.jobs.table import TableSpec
from outofsample.report.table_blocks import blocks, full_title


def to_markdown(tidy: pd.DataFrame, spec: TableSpec) -> str:
    """Return the table as Markdown, columns aligned."""
    lines = [f"# {_escape_markdown(full_title(spec))}"]
    for block in blocks(tidy, spec):
        texts = [[_escape_markdown(text) for text in row] for row in [block.head, *block.cells]]
        for row, bold in zip(texts[1:], block.bold, strict=True):
            row[:] = [f"**{text}**" if is_bold else text for text, is_bold in zip(row, bold, strict=True)]
        widths = [max(3, *(len(row[j]) for row in texts)) for j in range(len(block.head))]
        lines += ["", f"## {_escape_markdown(block.title)}", ""]
        rule = ["-" * width for width in widths]
        for row in [texts[0], rule, *texts[1:]]:
            lines.append("| " + " | ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)) + " |")
        lines += [""] + [f"- {_escape_markdown(foot)}" for foot in block.feet]
    return "\n".join(lines) + "\n"


def _escape_markdown(text: str) -> str:
    return " ".join(text.split()).translate(str.maketrans({mark: f"\\{mark}" for mark in "\\|*_<`"}))


_LATEX = {mark: f"\\{mark}" for mark in "&%$#_{}"}
_LATEX |= {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
_LATEX |= {"<": r"\textless{}", ">": r"\textgreater{}", "±": r"$\pm$", "–": "--"}
_LATEX |= {"†": r"$^{\dagger}$", "‡": r"$^{\ddagger}$"}


def escape_latex(text: str) -> str:
    """Return text in which no character means anything to LaTeX."""
    return " ".join(text.split()).translate(str.maketrans(_LATEX))


def to_latex(tidy: pd.DataFrame, spec: TableSpec) -> str:
    r"""Return the table as LaTeX, to be read with ``\input``; it needs the packages booktabs and adjustbox."""
    lines = [r"% \usepackage{booktabs,adjustbox}"]
    for block in blocks(tidy, spec):
        body = [
            " & ".join(
                rf"\textbf{{{escape_latex(text)}}}" if is_bold else escape_latex(text)
                for text, is_bold in zip(row, bold, strict=True)
            )
            for row, bold in zip(block.cells, block.bold, strict=True)
        ]
        body = [rf"{row} \\" for row in body]
        if 0 < block.first_control < len(body):
            body.insert(block.first_control, r"\midrule")
        lines += [
            r"\begin{table}[htbp]",
            r"\centering",
            rf"\caption{{{escape_latex(f'{spec.title}: {block.title}')}}}",
            r"\begin{adjustbox}{max width=\textwidth}",
            rf"\begin{{tabular}}{{l{'r' * (len(block.head) - 1)}}}",
            r"\toprule",
            " & ".join(map(escape_latex, block.head)) + r" \\",
            r"\midrule",
            *body,
            r"\bottomrule",
            r"\end{tabular}",
            r"\end{adjustbox}",
            r"\par\smallskip\footnotesize\raggedright",
            *map(escape_latex, block.feet),
            r"\end{table}",
        ]
    return "\n".join(lines) + "\n"


def write_table(tidy: pd.DataFrame, spec: TableSpec, csv: Path, markdown: Path, latex: Path) -> None:
    """Write the three files of a table."""
    write_tidy(csv, tidy)
    for path, text in ((markdown, to_markdown(tidy, spec)), (latex, to_latex(tidy, spec))):
        with replacing(path) as temporary:
            temporary.write_text(text, encoding="utf-8")
