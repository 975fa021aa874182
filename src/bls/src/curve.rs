//! The operations, on bytes; `None` stands for bytes that are no point of the group.

use std::sync::{LazyLock, Mutex};

use ic_bls12_381::hash_to_curve::{ExpandMsgXmd, HashToCurve};
use ic_bls12_381::{G1Affine, G1Projective, G2Affine, G2Prepared, G2Projective, Scalar, multi_miller_loop};
use sha2::Sha256;

/// The line functions of the negated generator of G2, the same for each verification.
static MINUS_GENERATOR: LazyLock<G2Prepared> = LazyLock::new(|| (-G2Affine::generator()).into());

/// The key that verified last, and its line functions: a network has one key, which is checked and prepared once.
static LAST_KEY: Mutex<Option<([u8; 96], G2Prepared)>> = Mutex::new(None);

/// The public key of a secret scalar.
pub fn public_key(secret: &[u8; 32]) -> [u8; 96] {
    G2Affine::from(G2Projective::generator() * scalar(secret)).to_compressed()
}

/// RFC 9380, suite BLS12381G1_XMD:SHA-256_SSWU_RO_ with this domain separation tag.
pub fn hash_to_g1(message: &[u8], tag: &[u8]) -> [u8; 48] {
    G1Affine::from(hashed(message, tag)).to_compressed()
}

/// The signature of a message by a secret scalar.
pub fn sign(secret: &[u8; 32], message: &[u8], tag: &[u8]) -> [u8; 48] {
    G1Affine::from(hashed(message, tag) * scalar(secret)).to_compressed()
}

/// Whether the signature is that of the message: e(signature, -generator) * e(hash, key) = 1.
pub fn verify(key: &[u8; 96], signature: &[u8; 48], message: &[u8], tag: &[u8]) -> Option<bool> {
    let mut last = LAST_KEY.lock().expect("bug: a module has one thread");
    if last.as_ref().is_none_or(|(known, _)| known != key) {
        *last = Some((*key, Option::<G2Affine>::from(G2Affine::from_compressed(key))?.into()));
    }
    let (_, key) = last.as_ref()?;
    let signature = point_of_g1(signature)?;
    let hash = G1Affine::from(hashed(message, tag));
    let product = multi_miller_loop(&[(&signature, &MINUS_GENERATOR), (&hash, key)]).final_exponentiation();
    Some(product == ic_bls12_381::Gt::identity())
}

/// The sum of multiples of points of G1; the empty sum is the point at infinity.
pub fn sum_in_g1(terms: impl Iterator<Item = ([u8; 48], [u8; 32])>) -> Option<[u8; 48]> {
    let mut total = G1Projective::identity();
    for (point, factor) in terms {
        total += point_of_g1(&point)? * scalar(&factor);
    }
    Some(G1Affine::from(total).to_compressed())
}

fn hashed(message: &[u8], tag: &[u8]) -> G1Projective {
    <G1Projective as HashToCurve<ExpandMsgXmd<Sha256>>>::hash_to_curve(message, tag)
}

fn point_of_g1(bytes: &[u8; 48]) -> Option<G1Affine> {
    G1Affine::from_compressed(bytes).into()
}

fn scalar(bytes: &[u8; 32]) -> Scalar {
    let mut reversed = *bytes;
    reversed.reverse();
    Option::from(Scalar::from_bytes(&reversed)).expect("bug: the host reduces scalars")
}

#[cfg(test)]
mod tests {
    use super::*;

    const TAG: &[u8] = b"BLS_SIG_BLS12381G1_XMD:SHA-256_SSWU_RO_NUL_";
    const INFINITY: [u8; 48] = {
        let mut bytes = [0; 48];
        bytes[0] = 0xc0;
        bytes
    };

    fn secret(number: u8) -> [u8; 32] {
        let mut bytes = [0; 32];
        bytes[31] = number;
        bytes
    }

    #[test]
    fn a_signature_is_valid_for_its_key_and_message() {
        let (key, signature) = (public_key(&secret(7)), sign(&secret(7), b"m", TAG));
        assert_eq!(verify(&key, &signature, b"m", TAG), Some(true));
        assert_eq!(verify(&key, &signature, b"n", TAG), Some(false));
        assert_eq!(verify(&public_key(&secret(8)), &signature, b"m", TAG), Some(false));
        assert_eq!(verify(&key, &signature, b"m", TAG), Some(true));
    }

    #[test]
    fn bytes_that_are_no_point_are_told_apart() {
        let (key, signature) = (public_key(&secret(7)), sign(&secret(7), b"m", TAG));
        // x = 4 is on the curve, but not in the subgroup.
        let mut stray = [0; 48];
        (stray[0], stray[47]) = (0x80, 4);
        for malformed in [[0; 48], [0xff; 48], stray] {
            assert_eq!(verify(&key, &malformed, b"m", TAG), None);
            assert_eq!(sum_in_g1([(malformed, secret(1))].into_iter()), None);
        }
        assert_eq!(verify(&[0; 96], &signature, b"m", TAG), None);
    }

    #[test]
    fn sums_are_those_of_the_factors() {
        let point = hash_to_g1(b"m", TAG);
        let twice = sum_in_g1([(point, secret(1)), (point, secret(1))].into_iter());
        assert_eq!(twice, Some(sign(&secret(2), b"m", TAG)));
        assert_eq!(sum_in_g1([].into_iter()), Some(INFINITY));
    }
}
