"""The engine: a method is written once against :class:`had_cli.engine.run.Run`.

It runs in memory or streamed.
"""
