"""Stands in for the `blst` binding that icp-py-core asks for, by `pyblst`: only what its check calls.

Signatures are points of G1, keys points of G2 (the Internet Computer's choice).
"""

import pyblst

BLST_SUCCESS = 0
BLST_VERIFY_FAIL = 5

# The standard generator of G2, compressed.
_G2 = bytes.fromhex(
    "93e02b6052719f607dacd3a088274f65596bd0d09920b61ab5da61bbdc7f5049334cf11213945d57e5ac7d055d042b7e"
    "024aa2b2f08f0a91260805272dc51051c6e47ad4fa403b02b4510b647ae3d1770bac0326a805bbefd48056c8c121bdb8"
)


class P2_Affine:  # noqa: N801 - the binding's name
    """A key."""

    def __init__(self, compressed):
        self.point = pyblst.BlstP2Element().uncompress(compressed)


class P1_Affine:  # noqa: N801 - the binding's name
    """A signature."""

    def __init__(self, compressed):
        self.point = pyblst.BlstP1Element().uncompress(compressed)

    def core_verify(self, key, _hash, message, scheme, _augmentation):
        """BLST_SUCCESS when the pairing of signature and generator equals that of hashed message and key."""
        hashed = pyblst.BlstP1Element().hash_to_group(message, scheme)
        generator = pyblst.BlstP2Element().uncompress(_G2)
        left = pyblst.miller_loop(self.point, generator)
        right = pyblst.miller_loop(hashed, key.point)
        return BLST_SUCCESS if pyblst.final_verify(left, right) else BLST_VERIFY_FAIL


class Pairing:
    """The slow path, which a failed `core_verify` falls back to: never another verdict."""

    def __init__(self, _hash, _scheme):
        """Take the arguments of the binding."""

    def aggregate(self, *_arguments):
        """Nothing to add: `core_verify` has said no."""

    def finalverify(self):
        """The same verdict again."""
        return False
