"""Money: an integer number of minor units (cents) and a currency, never a float."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Money:
    """An amount of money.

    Parameters
    ----------
    amount
        In minor units of the currency: 1250 is 12.50 EUR, and 1250 JPY.
    currency
        ISO 4217 code, such as `EUR`.
    """

    amount: int
    currency: str

    def to_json(self) -> dict[str, int | str]:
        """Return the shape in which the API and the events show money."""
        return {"amount": self.amount, "currency": self.currency}
