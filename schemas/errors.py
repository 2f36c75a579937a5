"""The root of every exception that a person can do something about."""


class HeadraceError(Exception):
    """Base of all errors that the command line prints without a stack trace."""
