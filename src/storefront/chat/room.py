"""Rooms, and who may enter them."""

from collections.abc import Callable

from storefront.orders.order import is_order_id

SUPPORT_ROOM = "support"
SUPPORT_GROUP = "support"
ROOM_PATTERN = r"^[a-z0-9-]{1,64}$"

_ORDER = "order-"


def may_enter(room: str, group: str, is_own_order: Callable[[str], bool]) -> bool:
    """Tell whether somebody may enter a room: `support` everybody, an order's its customer and support.

    Parameters
    ----------
    room
        The room's name.
    group
        The group of who wants to enter.
    is_own_order
        Tells of an order's id whether they have such an order. It is asked only where it matters.
    """
    if room == SUPPORT_ROOM:
        return True
    order_id = room.removeprefix(_ORDER)
    if order_id == room or not is_order_id(order_id):
        return False
    return group == SUPPORT_GROUP or is_own_order(order_id)
