"""The engine on a cluster of dask.distributed: the same passes, on workers that read their own windows.

The cut of a scene (:mod:`had_cli.engine.partition`) and the tree in which results are merged follow from
the scene alone, so a cluster gives the bytes that one machine gives. Nothing here imports dask before a
cluster is asked for.
"""
