"""`python -m lookback`."""

from lookback.cli import console

if __name__ == "__main__":
    console()
