"""Confirmation tokens: nobody makes one up, alters one, or uses one elsewhere."""

import base64
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hoopai_products_mcp.guard.tokens import InvalidTokenError, binding_digest, seal, unseal

KEY, OTHER = b"k" * 32, b"o" * 32
DIGEST = binding_digest("plan_abcdefghijkl", "delete_product")
TOKEN = seal([KEY], "plan_abcdefghijkl", DIGEST)
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


def test_a_token_says_again_what_was_sealed_in_it_and_is_short() -> None:
    assert unseal([KEY], TOKEN) == ("plan_abcdefghijkl", DIGEST)
    assert unseal([KEY], f" {TOKEN}\n") == ("plan_abcdefghijkl", DIGEST)
    assert len(TOKEN) <= 100


def test_two_tokens_for_one_plan_differ_and_show_nothing_of_it() -> None:
    other = seal([KEY], "plan_abcdefghijkl", DIGEST)
    assert other != TOKEN
    raw = base64.urlsafe_b64decode(TOKEN.removeprefix("confirm-") + "==")
    assert b"plan_" not in raw
    assert DIGEST not in raw


def test_after_a_new_key_is_made_the_tokens_of_the_old_one_still_open() -> None:
    assert unseal([OTHER, KEY], TOKEN)[0] == "plan_abcdefghijkl"
    with pytest.raises(InvalidTokenError):
        unseal([OTHER], TOKEN)
    with pytest.raises(InvalidTokenError):
        unseal([], TOKEN)


@pytest.mark.parametrize("place", range(len("confirm-"), len(TOKEN)))
def test_a_token_altered_in_any_one_character_does_not_open(place: int) -> None:
    for instead in ALPHABET:
        altered = TOKEN[:place] + instead + TOKEN[place + 1 :]
        if altered != TOKEN:
            with pytest.raises(InvalidTokenError):
                unseal([KEY], altered)


@given(
    text=st.text()
    | st.binary(max_size=200).map(lambda raw: "confirm-" + base64.urlsafe_b64encode(raw).decode())
)
def test_nothing_made_up_opens(text: str) -> None:
    with pytest.raises(InvalidTokenError):
        unseal([KEY], text)


@pytest.mark.parametrize("cut", [1, 2, 30, 60])
def test_a_token_cut_off_or_with_more_behind_it_does_not_open(cut: int) -> None:
    for text in (TOKEN[:-cut], TOKEN + "A" * cut, TOKEN + "=" * cut, TOKEN.removeprefix("confirm-")[cut:]):
        with pytest.raises(InvalidTokenError):
            unseal([KEY], text)


def test_what_is_sealed_under_the_bare_key_for_another_purpose_does_not_open() -> None:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    nonce = os.urandom(12)
    sealed = AESGCM(KEY).encrypt(nonce, DIGEST + b"plan_abcdefghijkl", b"another purpose")
    with pytest.raises(InvalidTokenError):
        unseal([KEY], "confirm-" + base64.urlsafe_b64encode(nonce + sealed).decode().rstrip("="))


@given(
    parts=st.lists(st.text(max_size=4), min_size=1, max_size=4),
    others=st.lists(st.text(max_size=4), min_size=1, max_size=4),
)
def test_no_two_lists_of_parts_have_one_digest(parts: list[str], others: list[str]) -> None:
    assert (binding_digest(*parts) == binding_digest(*others)) == (parts == others)
