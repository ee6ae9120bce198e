"""Errors that a user can mend."""


class UserError(ValueError):
    """Bad input: a setting, a file or an argument that the user can correct.

    The message says what was passed, what was expected and how to mend it. Commands
    print it in one line. Any other error is a bug, and keeps its trace.
    """
