"""Quantise the model folder's backbone to int8 on the training clips, and tell what it costs."""

from recipes.command_line import parser, run_command, settings


def main(arguments: list[str] | None = None) -> int:
    flags = parser(__doc__, ())
    flags.prog = "python -m extract.quantize"
    chosen = settings(flags.parse_args(arguments))
    # Slow imports wait until the command line is known to be right.
    from pathlib import Path

    from clips.preparation import load_manifest
    from extract.quantization import quantise
    from model_folder.card import require_card

    folder = Path(chosen.recipe.model.folder)
    card = require_card(folder)
    cost = quantise(folder, card, load_manifest(chosen), chosen)
    print(f"{cost}.")
    if cost.sha256:
        print(f"python extract.py --precision int8 --weights {folder} uses it.")
    else:
        print("That is too much: it is not kept, and extract.py will not use int8.")
    return 0


if __name__ == "__main__":
    run_command(main)
