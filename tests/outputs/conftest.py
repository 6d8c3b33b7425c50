from command_line import had

__all__ = ["had"]
