"""Scenes by configurations of methods, judged by every metric: what ``had bench`` does.

Every cell runs in a process of its own, is kept in a file of its own, and is never run twice for
nothing. :func:`had_cli.bench.run.run_bench` is the whole of it, :func:`had_cli.bench.results.load_results`
reads what it left in a folder.
"""
