"""The engine: a method is written once against :class:`Run`, and runs in memory or streamed."""

from had_cli.engine.run import Block, BlockMap, BlockReduction, Reduction, Run

__all__ = ["Block", "BlockMap", "BlockReduction", "Reduction", "Run"]
