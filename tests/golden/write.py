"""Write the golden files: python -m tests.golden.write (needs requirements-parity.txt).

A file holds the names and shapes of the original's tensors and its logits on the drawn clip.
"""

import json
from pathlib import Path

import torch

from tests.golden.cases import ALL_CASES, CLASSES, FOLDER
from tests.golden.drawing import draw_clip
from tests.parity.references import SMALL, fill, logits, shapes_of


def write(name: str) -> Path:
    """Write the golden file of one case and return its path."""
    reference = SMALL[name]
    module = reference.make(ALL_CASES[name].shape, CLASSES)
    fill(module)
    found = logits(reference, module, draw_clip(ALL_CASES[name].shape))[0]
    # Nine digits give a float32 back as it was.
    values = [float(f"{value:.9g}") for value in found]
    tensors = "\n".join(
        f"  {json.dumps(key)}: {json.dumps(shape)}," for key, shape in shapes_of(module).items()
    ).rstrip(",")
    path = FOLDER / f"{name}.json"
    path.write_text(f'{{"logits": {json.dumps(values)},\n"tensors": {{\n{tensors}\n}}}}\n')
    return path


if __name__ == "__main__":
    torch.set_grad_enabled(False)
    for case in ALL_CASES:
        print(write(case))
