"""Sentences with emphasis, as plain data: a page and a terminal show them each in its own way."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Strong:
    """The part of a sentence that a hurried reader should see."""

    text: str


@dataclass(frozen=True)
class Sentence:
    """One or more sentences; their text is plain, whatever stands in it."""

    parts: tuple[str | Strong, ...] = ()

    def __str__(self) -> str:
        """The text without its emphasis."""
        return "".join(part if isinstance(part, str) else part.text for part in self.parts)

    def __bool__(self) -> bool:
        """Whether there is any text."""
        return bool(str(self))


def sentence(*parts: str | Strong | Sentence) -> Sentence:
    """The parts one after the other, as they are."""
    plain: list[str | Strong] = []
    for part in parts:
        plain += part.parts if isinstance(part, Sentence) else (part,)
    return Sentence(tuple(plain))


def in_a_row(*sentences: Sentence) -> Sentence:
    """Sentences with a space between each two; those that are empty are left out."""
    row = Sentence()
    for each in sentences:
        row = sentence(row, " ", each) if row and each else sentence(row, each)
    return row
