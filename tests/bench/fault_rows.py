"""What a row of the fault bench is, and the lists of them by theme."""

from dataclasses import dataclass
from typing import Callable


@dataclass
class Found:
    """What one side did: in words, and whether that is what its user wants."""

    text: str
    clean: bool
    # Whether it is what `Row.told` says.
    told: bool = False


@dataclass
class Row:
    """One fault or edit, done to both sides by the same function."""

    theme: "Theme"
    name: str
    # What is done.
    what: str
    # What PM2 does and what eco does, in one sentence each.
    says: str
    # Does it to a fresh side and looks.
    look: Callable
    # Whether it is one of those that CI runs.
    quick: bool
    # Why eco is not clean here on purpose; `eco diff`, its warnings or its exit code say so to its user.
    told: str


class Theme:
    """The rows of one theme, in the order of their writing."""

    def __init__(self, name, title, alone=False):
        self.name = name
        self.title = title
        # Whether its rows take the machine for themselves, one after the other, since they count
        # requests under load.
        self.alone = alone
        self.rows = []

    def row(self, name, what, says, quick=False, told=""):
        """Makes a row of a function that takes a side and gives what it found."""
        def add(look):
            self.rows.append(Row(self, name, what, says, look, quick, told))
            return look
        return add


def ended(code):
    """An exit code in words; None is a command that did not end."""
    return "no end in time" if code is None else f"exit {code}"


def listed(items):
    """Some values in words."""
    return ", ".join(str(item) for item in items) if items else "none"
