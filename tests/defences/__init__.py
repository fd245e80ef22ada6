"""Every check that keeps somebody out, with its attack and the mutation that deletes it."""

from tests.defences import cursor, identity, partner, webhook

DEFENCES = (*cursor.DEFENCES, *identity.DEFENCES, *partner.DEFENCES, *webhook.DEFENCES)
