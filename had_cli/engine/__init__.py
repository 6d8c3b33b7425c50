"""The engine: a method is written once against :class:`had_cli.engine.run.Run`, and runs in memory or streamed."""
