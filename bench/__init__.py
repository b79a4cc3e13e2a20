"""Measures the product's speed against its targets: `make bench`, or `python -m bench` with servers around it.

Every figure is a ratio to a bare Django view under the same web server, measured in turns on the same machine, because
machines differ and drift. A double booking, an answer of the 500s or a lost message is a failure, however fast.
"""
