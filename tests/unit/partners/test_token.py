"""Partner tokens: what is one, what is kept of one, and when one is good."""

import re
import string
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storefront.partners import token as partner_token
from storefront.partners.token import Partner, PartnerToken, StoredSecret, issue, parse
from storefront.shared import clock
from tests.support.ids import shown

NOW = clock.now()
A_MOMENT = timedelta(milliseconds=1)
SECRET = "A" * 43


def partner(*stored: StoredSecret) -> Partner:
    return Partner("acme00000001", "bronze", "an-api-key", stored)


def test_an_issued_token_is_read_back_and_good() -> None:
    token, stored = issue("acme00000001")

    read = parse(token.to_text())

    assert read == token
    assert partner(stored).owns(token, NOW)


def test_a_token_has_256_random_bits() -> None:
    secrets = [issue("acme00000001")[0].secret for _ in range(200)]

    assert {len(secret) for secret in secrets} == {43}
    assert len(set(secrets)) == 200
    assert set("".join(secrets)) == set(string.ascii_letters + string.digits)
    assert 62**43 > 2**256


def test_the_same_secret_is_kept_differently_each_time() -> None:
    one, other = StoredSecret.of(SECRET), StoredSecret.of(SECRET)

    assert one.key != other.key
    assert one.hash != other.hash


def test_what_is_kept_does_not_show_the_secret_and_nothing_shows_what_is_kept() -> None:
    token, stored = issue("acme00000001")

    assert token.secret.encode() not in stored.hash + stored.key
    assert token.secret not in repr(token)
    assert repr(stored.hash) not in repr(partner(stored))
    assert "an-api-key" not in repr(partner(stored))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "sfp_",
        "sfp__",
        f"sfp_acme0001_{SECRET[1:]}",
        f"sfp_acme0001_{SECRET}A",
        f"sfp_acme0001_{SECRET}\n",
        f"\nsfp_acme0001_{SECRET}",
        f" sfp_acme0001_{SECRET}",
        f"sfp_acme0001_{SECRET} ",
        f"SFP_acme0001_{SECRET}",
        f"sfp_ACME0001_{SECRET}",
        f"sfp_acme001_{SECRET}",
        f"sfp_{'a' * 17}_{SECRET}",
        f"sfp_acme-001_{SECRET}",
        f"sfp_acme0001_{SECRET[1:]}=",
        f"sfp_acme0001_{SECRET[1:]}_",
        f"sfp_acme0001_{SECRET[1:]}\u0661",
        f"sfp_\u0430cme0001_{SECRET}",
        f"sfp_acme0001_{SECRET}\x00",
        f"sfp_acme0001_{SECRET},sfp_acme0001_{SECRET}",
        "sfp_acme0001_" + "A" * 1_000_000,
    ],
    ids=shown,
)
def test_what_is_not_exactly_a_token_is_none(text: str) -> None:
    assert parse(text) is None


@given(st.text())
def test_any_text_is_a_token_or_none(text: str) -> None:
    token = parse(text)

    assert token is None or token.to_text() == text


def test_another_secret_or_another_partners_is_not_good() -> None:
    (token, stored), (other, _) = issue("acme00000001"), issue("globex000001")

    assert not partner(stored).owns(PartnerToken(token.partner_id, other.secret), NOW)
    assert not partner(stored).owns(PartnerToken(other.partner_id, token.secret), NOW)
    assert not partner().owns(token, NOW)


@given(st.integers(min_value=0, max_value=42), st.sampled_from(string.ascii_letters + string.digits))
def test_a_secret_with_any_character_changed_is_not_good(position: int, character: str) -> None:
    token, stored = issue("acme00000001")
    changed = token.secret[:position] + character + token.secret[position + 1 :]

    assert stored.matches(changed, NOW) == (changed == token.secret)


def test_a_secret_is_good_until_it_ends() -> None:
    token, stored = issue("acme00000001")
    ending = stored.expiring(NOW)

    assert ending.matches(token.secret, NOW - A_MOMENT)
    assert not ending.matches(token.secret, NOW)


def test_comparing_takes_the_same_time_for_every_guess(monkeypatch: pytest.MonkeyPatch) -> None:
    # Time is not measured here: the comparison is the one that is made for it, whatever the guess.
    compared = []
    compare = partner_token.hmac.compare_digest
    monkeypatch.setattr(
        partner_token.hmac, "compare_digest", lambda one, other: compared.append(1) or compare(one, other)
    )
    token, stored = issue("acme00000001")

    stored.matches(token.secret, NOW)
    stored.matches(SECRET, NOW)

    assert len(compared) == 2


def test_after_a_rotation_two_are_good_until_the_overlap_ends() -> None:
    (old, old_stored), (new, new_stored) = issue("acme00000001"), issue("acme00000001")
    ends = NOW + timedelta(days=7)

    rotated = partner(old_stored).rotated(new_stored, ends, NOW)

    assert rotated.owns(old, ends - A_MOMENT)
    assert rotated.owns(new, ends - A_MOMENT)
    assert not rotated.owns(old, ends)
    assert rotated.owns(new, ends)


def test_a_second_rotation_does_not_lengthen_the_life_of_the_first_token() -> None:
    (old, old_stored), (_, second), (_, third) = (issue("acme00000001") for _ in range(3))
    ends = NOW + timedelta(days=1)
    once = partner(old_stored).rotated(second, ends, NOW)

    twice = once.rotated(third, ends + timedelta(days=7), NOW)
    later = twice.rotated(issue("acme00000001")[1], ends + timedelta(days=7), ends)

    assert not twice.owns(old, ends)
    assert len(twice.secrets) == 3
    assert old_stored.hash not in {stored.hash for stored in later.secrets}, "what has ended is forgotten"


def test_the_pattern_is_what_issue_makes() -> None:
    token, _ = issue("acme00000001")

    assert re.fullmatch(partner_token.TOKEN_PATTERN, token.to_text())
