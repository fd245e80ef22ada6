"""A part of the shop, as the names of files and of things in them tell it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Part:
    """A part by its package; names have the package's name in them, perhaps without the plural's s."""

    package: str

    @property
    def word(self) -> str:
        """The word that the names have in common."""
        return self.package.removesuffix("s")

    def is_named_in(self, text: str) -> bool:
        """Tell whether a text names the part."""
        return self.word in text.lower()
