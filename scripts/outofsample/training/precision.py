"""The precision of a network's matrix products: float32, or bfloat16 where the processor multiplies it.

What a processor can do is read from its flags, never timed: a timing can come out otherwise in the next run, and the
bits of a training with it.
"""

import sys
from collections.abc import Callable
from pathlib import Path

import torch

#: Where Linux names the processor's instructions.
CPUINFO = Path("/proc/cpuinfo")
#: Linux' flags of the instructions that multiply bfloat16, with their names.
INSTRUCTIONS = {"avx512_bf16": "AVX512-BF16", "amx_bf16": "AMX-BF16"}
#: What emulation costs: measured on a processor with AVX2 alone, against float32.
EMULATION = "a matrix product took 44 times as long as in float32, a whole training 6.5 times"


def instructions_in(cpuinfo: str) -> list[str]:
    """Return the names of the bfloat16 instructions that all cores have, from the text of ``/proc/cpuinfo``."""
    lines = (line.partition(":") for line in cpuinfo.splitlines())
    cores = [set(flags.split()) for name, _, flags in lines if name.strip() == "flags"]
    shared = set.intersection(*cores) if cores else set()
    return [name for flag, name in INSTRUCTIONS.items() if flag in shared]


def multiplier(device: torch.device) -> str:
    """Return what multiplies bfloat16 on a device, or "" where it would be emulated."""
    if device.type == "cuda":
        # Before this generation torch says that bfloat16 is there, and emulates it.
        return "the GPU" if torch.version.hip or torch.cuda.get_device_capability(device) >= (8, 0) else ""
    if CPUINFO.is_file():
        return " and ".join(instructions_in(CPUINFO.read_text()))
    # Not Linux; older releases of torch cannot tell either.
    has = getattr(torch.cpu, "_is_avx512_bf16_supported", lambda: False)
    return INSTRUCTIONS["avx512_bf16"] if has() else ""


def choose_precision(asked: str, device: torch.device) -> str:
    """Return ``float32`` or ``bfloat16`` for the setting ``auto``, ``float32`` or ``bfloat16``.

    What ``auto`` became is printed, and a warning where bfloat16 is asked for and emulated.
    """
    if asked == "float32":
        return asked
    found = multiplier(device)
    if asked == "auto":
        chosen, reason = ("bfloat16", f"by {found}") if found else ("float32", "nothing here multiplies bfloat16")
        print(f"precision: auto is {chosen} ({reason}).", flush=True)
        return chosen
    if not found:
        print(
            "Warning: precision: 'bfloat16' was asked for, and nothing here multiplies it, so it is emulated: "
            f"{EMULATION}; set 'precision: auto' or 'float32'.",
            file=sys.stderr,
            flush=True,
        )
    return asked


def in_bfloat16(terms: Callable) -> Callable:
    """Return the terms of a player as a function that multiplies matrices in bfloat16; what it returns is float32."""

    def cast_terms(batches):
        with torch.autocast(batches[0]["x"].device.type, dtype=torch.bfloat16):
            found = terms(batches)
        return {name: value.float() for name, value in found.items()}

    return cast_terms
