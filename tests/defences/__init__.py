"""Every check that keeps somebody out, with its attack and the mutation that deletes it."""

from tests.defences import cursor, identity, partner, ticket, webhook

DEFENCES = (*cursor.DEFENCES, *identity.DEFENCES, *partner.DEFENCES, *ticket.DEFENCES, *webhook.DEFENCES)
