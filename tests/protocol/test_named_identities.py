"""Identities of dfx and icp-cli by name, and seed phrases."""

import base64
import hashlib
import json
import re
import traceback

import pytest
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from ic_harness.errors import IdentityError
from ic_harness.protocol import (
    AnonymousIdentity,
    DelegatedIdentity,
    Ed25519Identity,
    IdentityFolder,
    Secp256k1Identity,
    dump_pem,
    find_identity,
    identity_from_seed_phrase,
)
from ic_harness.protocol.identity import seed_phrase
from ic_harness.protocol.identity.seed_phrase import HARDENED, derive

ALICE = Secp256k1Identity.from_seed(b"\x01" * 32)
SESSION = Ed25519Identity.from_seed(b"\x02" * 32)


def dfx_key(passphrase, salt):
    """The key that dfx makes of a passphrase; it reads the hexadecimal digits of its salt as base64."""
    kdf = Argon2id(salt=base64.b64decode(salt), length=32, iterations=3, lanes=1, memory_cost=64_000)
    return kdf.derive(passphrase)


@pytest.fixture
def dfx(tmp_path):
    """A folder as dfx leaves it: a plain, an encrypted, a keyring identity, and a default."""
    root = tmp_path / ".config" / "dfx"
    for name in ("plain", "sealed", "keyring"):
        (root / "identity" / name).mkdir(parents=True)
    (root / "identity.json").write_text('{"default": "plain"}')
    (root / "identity" / "plain" / "identity.pem").write_bytes(dump_pem(ALICE))
    salt, nonce = bytes(range(32)).hex(), bytes(range(12))
    settings = {"hsm": None, "encryption": {"pw_salt": salt, "file_nonce": list(nonce)}}
    sealed = AESGCM(dfx_key(b"open sesame", salt)).encrypt(nonce, dump_pem(ALICE), None)
    (root / "identity" / "sealed" / "identity.pem.encrypted").write_bytes(sealed)
    (root / "identity" / "sealed" / "identity.json").write_text(json.dumps(settings))
    (root / "identity" / "keyring" / "identity.json").write_text('{"keyring_identity_suffix": "keyring"}')
    return IdentityFolder.of("dfx", {"DFX_CONFIG_ROOT": str(tmp_path)})


@pytest.fixture
def icp(tmp_path):
    """A folder as icp-cli leaves it: plain, password-protected, keyring and Internet Identity."""
    root = tmp_path / "identity"
    (root / "keys").mkdir(parents=True)
    (root / "delegations").mkdir()
    kinds = {"plain": "pem", "locked": "pem", "ring": "keyring", "ii": "internet-identity"}
    listed = {name: {"kind": kind, "algorithm": "secp256k1"} for name, kind in kinds.items()}
    (root / "identity_list.json").write_text(json.dumps({"v": 1, "identities": listed}))
    (root / "identity_defaults.json").write_text('{"v": 1, "default": "locked"}')
    (root / "keys" / "plain.pem").write_bytes(dump_pem(ALICE))
    (root / "keys" / "locked.pem").write_bytes(dump_pem(ALICE, "open sesame"))
    (root / "keys" / "ii.pem").write_bytes(dump_pem(SESSION))
    chain = DelegatedIdentity.delegate(ALICE, SESSION, expiration_ns=10**18).to_json()
    (root / "delegations" / "ii.json").write_text(chain)
    return IdentityFolder.of("icp", {"ICP_HOME": str(tmp_path)})


def test_dfx_by_name(dfx):
    """Plain and encrypted identities open; names and default are known."""
    assert dfx.names() == ["anonymous", "keyring", "plain", "sealed"]
    assert dfx.default() == "plain"
    assert dfx.load("plain") == ALICE
    assert dfx.load("sealed", "open sesame") == ALICE
    assert dfx.load("anonymous") == AnonymousIdentity()


@pytest.mark.parametrize(
    ("name", "passphrase", "reason"),
    [
        ("sealed", None, "passphrase is needed"),
        ("sealed", "wrong", "wrong passphrase"),
        ("keyring", None, "dfx identity export keyring"),
        ("nobody", None, "there are: anonymous, keyring"),
        ("../plain", None, "no name"),
        ("", None, "no name"),
    ],
)
def test_dfx_refuses(dfx, name, passphrase, reason):
    """What cannot be opened says why, and how to get on."""
    with pytest.raises(IdentityError, match=reason):
        dfx.load(name, passphrase)


def test_dfx_without_argon2(dfx, monkeypatch):
    """Where the library below has no Argon2, an encrypted identity says what is missing; plain ones open."""

    def missing(**_):
        raise UnsupportedAlgorithm("no Argon2")

    monkeypatch.setattr("cryptography.hazmat.primitives.kdf.argon2.Argon2id", missing)
    assert dfx.load("plain") == ALICE
    with pytest.raises(IdentityError, match=r"need `cryptography` with OpenSSL 3\.2 or later"):
        dfx.load("sealed", "open sesame")


MAC = "Library/Application Support/org.dfinity.icp-cli/identity"
PLACES = {
    "dfx": ("dfx", "linux", {"HOME": "/h"}, "/h/.config/dfx/identity"),
    "dfx on a Mac": ("dfx", "darwin", {"HOME": "/h"}, "/h/.config/dfx/identity"),
    "dfx moved": ("dfx", "linux", {"HOME": "/h", "DFX_CONFIG_ROOT": "/d"}, "/d/.config/dfx/identity"),
    "dfx on Windows": ("dfx", "win32", {"USERPROFILE": "/u"}, "/u/.config/dfx/identity"),
    "icp": ("icp", "linux", {"HOME": "/h"}, "/h/.local/share/icp-cli/identity"),
    "icp by XDG": ("icp", "linux", {"HOME": "/h", "XDG_DATA_HOME": "/x"}, "/x/icp-cli/identity"),
    "icp on a Mac": ("icp", "darwin", {"HOME": "/h", "XDG_DATA_HOME": "/x"}, f"/h/{MAC}"),
    "icp moved": ("icp", "darwin", {"HOME": "/h", "ICP_HOME": "/i"}, "/i/identity"),
}


@pytest.mark.parametrize(("tool", "platform", "environ", "path"), PLACES.values(), ids=PLACES)
def test_where_the_tools_keep_identities(tool, platform, environ, path, monkeypatch):
    """The folder depends on the tool, the operating system and the user's environment."""
    monkeypatch.setattr("sys.platform", platform)
    assert IdentityFolder.of(tool, environ).path.as_posix() == path


def test_icp_by_name(icp):
    """Plain, locked and Internet Identity identities open; names and default are known."""
    assert icp.names() == ["anonymous", "ii", "locked", "plain", "ring"]
    assert icp.default() == "locked"
    assert icp.load("plain") == icp.load("locked", "open sesame") == ALICE
    assert icp.load("ii").principal == ALICE.principal
    with pytest.raises(IdentityError, match="icp identity export ring"):
        icp.load("ring")


def test_damaged_folders(icp, dfx):
    """Files that are not what they should be are identity errors."""
    (icp.path / "identity_list.json").write_text("{")
    with pytest.raises(IdentityError, match="not JSON"):
        icp.load("plain")
    (icp.path / "identity_list.json").write_text("[]")
    with pytest.raises(IdentityError, match="no JSON object"):
        icp.names()
    (dfx.path / "sealed" / "identity.json").write_text("{}")
    with pytest.raises(IdentityError, match="no encryption parameters"):
        dfx.load("sealed", "open sesame")


@pytest.mark.parametrize("tool", ["dfx", "icp"])
def test_nothing_there(tool, tmp_path):
    """Without a folder there is the anonymous identity, and a default name."""
    folder = IdentityFolder.of(tool, {"HOME": str(tmp_path)})
    assert folder.names() == ["anonymous"]
    assert folder.default() == ("default" if tool == "dfx" else "anonymous")


def test_finding_what_the_user_means(dfx, icp, tmp_path):
    """A prefix, a path or an unambiguous name; anything else is refused with what would help."""
    environ = {"DFX_CONFIG_ROOT": str(tmp_path), "ICP_HOME": str(tmp_path)}
    pem = tmp_path / "some.pem"
    pem.write_bytes(dump_pem(ALICE))
    for spec in ("dfx:plain", "icp:plain", str(pem)):
        assert find_identity(spec, environ) == ALICE
    assert find_identity("sealed", environ, "open sesame") == ALICE
    assert find_identity("ii", environ).principal == ALICE.principal
    assert find_identity("anonymous", environ) == AnonymousIdentity()
    with pytest.raises(IdentityError, match="say dfx:plain or icp:plain"):
        find_identity("plain", environ)
    with pytest.raises(IdentityError, match="neither a PEM file"):
        find_identity("nobody", environ)


def test_a_colon_is_part_of_a_name_or_path(tmp_path):
    """Before a colon only `dfx`, `icp` and `seed` mean something, and alone they are names like others."""
    environ = {"DFX_CONFIG_ROOT": str(tmp_path), "ICP_HOME": str(tmp_path)}
    pem = tmp_path / "icp:key.pem"
    pem.write_bytes(dump_pem(ALICE))
    assert find_identity(str(pem), environ) == ALICE
    for spec in ("other:plain", "dfx", "icp", "seed"):
        with pytest.raises(IdentityError, match=f"{spec!r} is neither a PEM file nor a known identity"):
            find_identity(spec, environ)


@pytest.mark.parametrize(("most", "more"), [("n" * 255, "n" * 256), ("a b c d e f", "a b c d e f g")])
def test_long_texts_are_not_quoted(most, more):
    """An error quotes what may be a name: at most 255 characters and 6 words. More may be a secret."""
    with pytest.raises(IdentityError) as caught:
        find_identity(most, {"HOME": "/nonexistent"})
    assert most in str(caught.value)
    with pytest.raises(IdentityError, match="it is not shown here"):
        find_identity(more, {"HOME": "/nonexistent"})


def test_bip32_vector():
    """Derivation gives the private keys of BIP-32's first test vector."""
    seed = bytes(range(16))
    expected = {
        (): "e8f32e723decf4051aefac8e2c93c9c5b214313817cdb01a1494b917c8436b35",
        (HARDENED,): "edb2e14f9ee77d26dd93b4ecede8d16ed408ce149b6cd80b0715a2d911a0afea",
        (HARDENED, 1): "3c6cb8d0f6a264c91ea8b5030fadaa8e538b020f0a387421a12de9319dc93368",
        (HARDENED, 1, HARDENED | 2): "cbce0d719ecf7431d88e6a89fa1483e02e35092af60c042b1df2ff59fa424dca",
    }
    assert {path: derive(seed, path).hex() for path in expected} == expected


def test_seed_phrase():
    """A phrase gives the key at the Internet Computer's path of its BIP-39 seed."""
    seed = bytes.fromhex(
        "5eb00bbddcf069084889a8ab9155568165f5c453ccb85e70811aaed6f6da5fc1"
        "9a5ac40b389cd370d086206dec8aa6c43daea6690f20ad3d8d48b2d2ce9e38e4"
    )
    path = (HARDENED | 44, HARDENED | 223, HARDENED, 0, 0)
    phrase = "abandon " * 11 + "about"
    assert identity_from_seed_phrase(phrase) == Secp256k1Identity.from_seed(derive(seed, path))
    assert identity_from_seed_phrase(f"  {phrase}\n") == identity_from_seed_phrase(phrase)
    assert identity_from_seed_phrase(phrase, "TREZOR") != identity_from_seed_phrase(phrase)
    with pytest.raises(IdentityError, match="got 3"):
        identity_from_seed_phrase("one two three")


@pytest.mark.parametrize("secret", ["abandon " * 11 + "about", "MC4CAQAwBQYDK2Vw" * 20])
def test_a_secret_in_the_wrong_place_is_not_quoted(secret):
    """A seed phrase or a key where a name was expected does not come back in the error."""
    with pytest.raises(IdentityError, match="not shown") as caught:
        find_identity(secret, {})
    assert secret[:16] not in str(caught.value)


def test_pem_text_is_an_identity():
    """The secret of a CI can be given as it is."""
    assert find_identity(dump_pem(ALICE).decode(), {}) == ALICE
    assert find_identity(dump_pem(ALICE, "word").decode(), {}, "word") == ALICE


def test_a_seed_phrase_in_a_file(tmp_path):
    """A file with a seed phrase, as `dfx identity import --seed-file` takes it, is an identity."""
    phrase = "abandon " * 11 + "about"
    (tmp_path / "seed.txt").write_text(f"{phrase}\n")
    spec = f"seed:{tmp_path / 'seed.txt'}"
    assert find_identity(spec, {}) == identity_from_seed_phrase(phrase)
    assert find_identity(spec, {}, "TREZOR") == identity_from_seed_phrase(phrase, "TREZOR")
    with pytest.raises(IdentityError, match=r"cannot read.*none"):
        find_identity("seed:none", {})


PUBLISHED = {
    "peacock": "wnkwv-wdqb5-7wlzr-azfpw-5e5n5-dyxrf-uug7x-qxb55-mkmpa-5jqik-tqe",
    "cherry": "yximj-qmoje-f4yat-decdf-qzz2i-mun3k-45fi7-lp65b-vng2k-xbd2s-xae",
    "test": "rwbxt-jvr66-qvpbz-2kbh3-u226q-w6djk-b45cp-66ewo-tpvng-thbkh-wae",
}


@pytest.mark.parametrize(("word", "principal"), PUBLISHED.items())
def test_published_seed_phrases(word, principal):
    """Phrases that test suites of agent-js and of projects built on it publish give the principals they publish."""
    assert str(identity_from_seed_phrase(" ".join([word] * 12), check=False).principal) == principal


WORDS = [
    "legal",
    "winner",
    "thank",
    "year",
    "wave",
    "sausage",
    "worth",
    "useful",
    "legal",
    "winner",
    "thank",
    "yellow",
]


ZEROS = {12: "about", 15: "address", 18: "agent", 21: "admit", 24: "art"}


@pytest.mark.parametrize("count", range(10, 27))
def test_a_phrase_has_one_of_five_lengths(count):
    """Phrases of zeros (BIP-39): those of 12, 15, 18, 21 and 24 words end in the word with their checksum."""
    phrase = "abandon " * (count - 1) + ZEROS.get(count, "about")
    if count in ZEROS:
        assert identity_from_seed_phrase(phrase) != identity_from_seed_phrase(phrase, "other")
        return
    with pytest.raises(IdentityError, match=f"has 12, 15, 18, 21 or 24 words, got {count}"):
        identity_from_seed_phrase(phrase)


def test_six_words_of_the_list_are_a_secret():
    """Five different words of BIP-39's list may be a name, which the error quotes; six may be a seed phrase."""
    assert len(set(WORDS[:6])) == 6
    with pytest.raises(IdentityError, match="legal-winner-thank-year-wave-wave"):
        find_identity("-".join([*WORDS[:5], "wave"]), {"HOME": "/nonexistent"})
    with pytest.raises(IdentityError, match="it is not shown here"):
        find_identity("-".join(WORDS[:6]), {"HOME": "/nonexistent"})


def test_the_list_of_words_is_the_one_of_bip39():
    """The SHA-256 of the English list, one word a line, as its many copies have it."""
    listed = "".join(f"{word}\n" for word in seed_phrase._numbers())
    assert hashlib.sha256(listed.encode()).hexdigest() == (
        "2f5eed53a4727b4bf8880d8f3f199efc90e58503646d9ff8eff3a2ed3b24dbda"
    )


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ([*WORDS[:-1], "yellowish"], "word 12"),
        (["Legal", *WORDS[1:11], "hunter2"], "word 1, 12"),
        ([*WORDS[:-1], "year"], "checksum"),
        (WORDS[::-1], "checksum"),
        ([*WORDS, *WORDS], "checksum"),
        (WORDS[:11], "got 11"),
    ],
)
def test_wrong_seed_phrases_are_refused(words, reason):
    """A misspelt, missing or misplaced word is told by its place; no word of the phrase is in the error."""
    assert not identity_from_seed_phrase(" ".join(WORDS)).principal.is_anonymous
    with pytest.raises(IdentityError, match=reason) as caught:
        identity_from_seed_phrase(" ".join(words))
    told = "".join(traceback.format_exception(caught.value, limit=0))
    assert not {"winner", "sausage", "yellow", "hunter2"} & set(re.findall(r"\w+", told))


@pytest.mark.parametrize("mark", [" ", ",", "-", "_", "/", "\n"])
def test_secrets_in_the_wrong_place_are_not_quoted(mark):
    """A seed phrase or a key given as the name of an identity is not echoed, however it is separated."""
    for secret in (
        mark.join(WORDS),
        f"seed:{mark.join(WORDS)}",
        f"dfx:{mark.join(WORDS)}",
        "ab" * 32,
        "0x" + "cd" * 32,
    ):
        with pytest.raises(IdentityError) as caught:
            find_identity(secret, {"HOME": "/nonexistent"})
        assert "winner" not in str(caught.value)
        assert "abab" not in str(caught.value)
        assert "cdcd" not in str(caught.value)
