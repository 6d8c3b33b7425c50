"""Plugins here have tests of their own, which need them installed: see tests/third_party."""

collect_ignore_glob = ["had_*"]
