"""Benchmarks. Each script prints a table and writes JSON with machine, versions and commit."""
