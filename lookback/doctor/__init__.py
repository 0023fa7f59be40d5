"""Check of the machine and the installation: `lookback doctor`."""
