"""Quantize the model folder's backbone to int8 on the training clips; print the lost accuracy."""

from recipes.command_line import parser, run_command, settings
from recipes.commands import command


def main(arguments: list[str] | None = None) -> int:
    chosen = settings(parser("quantize", __doc__, ()).parse_args(arguments))
    # Check the command line and the manifest first: the imports below are slow.
    from pathlib import Path

    from clips.preparation import load_manifest
    from model_folder.config import require_config, write_config

    folder = Path(chosen.recipe.model.folder)
    config, manifest = require_config(folder), load_manifest(chosen)

    from extract.extractor.choice import FolderModel
    from extract.extractor.loading import open_network
    from extract.quantization import quantize

    report = quantize(open_network(FolderModel(folder, config)), manifest, chosen)
    write_config(folder, config.model_copy(update={"quantised": report}))
    print(f"{report}.")
    if report.sha256:
        print(f"{command('extract')} --precision int8 --weights {folder} uses it.")
    else:
        print(f"It costs too much accuracy: {command('extract')} will not use int8.")
    return 0


if __name__ == "__main__":
    run_command(main)
