"""Commands: each module has the flags and the `main` of one command, which parses and calls.

The scripts at the root of a clone and `lookback NAME` run the same `main`.
"""
