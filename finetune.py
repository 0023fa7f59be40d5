"""Fine-tune a backbone on the clips' frames, so that its features fit the task."""

from recipes.command_line import BACKBONE_FLAGS, Flag, parser, run_command, settings

FLAGS = (
    *BACKBONE_FLAGS,
    Flag("--epochs", "finetune.epochs", "epochs at most", "N"),
    Flag("--batch-size", "finetune.batch_size", "pictures a step of training", "N"),
    Flag("--frames-per-clip", "finetune.frames_per_clip", "drawn a clip and epoch, or all", "N"),
)


def main(arguments: list[str] | None = None) -> int:
    chosen = settings(parser(__doc__, FLAGS).parse_args(arguments))
    # Slow imports wait until the command line is known to be right.
    from clips.preparation import load_manifest
    from extract.finetuning import FineTuning, print_outcome
    from extract.framework import device_line

    manifest = load_manifest(chosen)
    print(device_line())
    tuning = FineTuning(chosen, manifest)
    print_outcome(tuning, tuning.train())
    return 0


if __name__ == "__main__":
    run_command(main)
