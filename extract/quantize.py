"""Quantise the model folder's backbone to int8 on the training clips, and tell what it costs."""

from recipes.command_line import parser, run_command, settings
from recipes.commands import command


def main(arguments: list[str] | None = None) -> int:
    chosen = settings(parser("quantize", __doc__, ()).parse_args(arguments))
    # Slow imports wait until the command line is known to be right.
    from pathlib import Path

    from clips.preparation import load_manifest
    from extract.quantization import quantize
    from model_folder.config import require_config

    folder = Path(chosen.recipe.model.folder)
    config = require_config(folder)
    cost = quantize(folder, config, load_manifest(chosen), chosen)
    print(f"{cost}.")
    if cost.sha256:
        print(f"{command('extract')} --precision int8 --weights {folder} uses it.")
    else:
        print(f"That is too much: it is not kept, and {command('extract')} will not use int8.")
    return 0


if __name__ == "__main__":
    run_command(main)
