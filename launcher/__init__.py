"""What `make demo`, `make test` and their sisters run: environment, embedded servers, assets, supervision.

Standard library only, so that it works on a machine that has nothing but Python.
"""
