"""The command line: `pushforward fit`, `score`, `sample` and `info`, one file each.

A command imports what computes only when it runs: `pushforward --help` answers without loading JAX.
"""
