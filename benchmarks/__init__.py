"""Measurements of the packages: `nox -s bench -- NAME` runs `benchmarks/NAME.py`.

Contestants of one benchmark run in turn, round by round, so that a change in the machine's speed
meets all of them; what is reported are medians and ratios. Each run writes its figures, with the
machine and the versions, to `benchmarks/results/NAME.json`.
"""
