//! What of our HTTP answers is certified: those that are always the same. Response verification of the HTTP gateway protocol, version 2.
//!
//! ```text
//! certified data = root of   http_expr ─┬─ <*> ──────────── FIXED ── "" ─┬─ hash of 404 "Not Found"
//!                                       │                                └─ hash of 400 "Input too long"
//!                                       ├─ asset ── <*> ─── SKIPPED
//!                                       └─ health ─ <$> ─── FIXED ── "" ─┬─ hash of 200 "OK"
//!                                                                        └─ hash of 404 "Not Found"
//! ```
//!
//! An asset is opened by a token and comes in ranges and parts, so its answer cannot be known beforehand: the tree says, certified, that
//! below `/asset/` nothing is. The whole tree is small and goes with every answer, so that it also proves what it does not have.

use super::encoding::base64;
use super::route::plain;
use crate::codec::{Digest, sha256};
use crate::types::HttpResponse;

const FIXED: &str = concat!(
    "default_certification(ValidationArgs{certification:Certification{no_request_certification:Empty{},",
    "response_certification:ResponseCertification{certified_response_headers:",
    "ResponseHeaderList{headers:[\"Content-Type\",\"Cache-Control\"]}}}})"
);
const SKIPPED: &str = "default_certification(ValidationArgs{no_certification:Empty{}})";

/// A hash tree with nothing cut off: Interface Specification, section "Certificate".
enum Tree {
    Fork(Box<Tree>, Box<Tree>),
    Labeled(Vec<u8>, Box<Tree>),
    Leaf,
}

/// What the canister certifies, the same for every state.
pub fn root() -> Digest {
    tree().hash()
}

/// The answer to a request for this address, with proof that it is ours, or that it need not be.
pub fn certified(mut response: HttpResponse, url: &str, certificate: &[u8]) -> HttpResponse {
    let path = url.split('?').next().unwrap_or_default();
    let (place, expression): (&[&str], &str) = match path.split('/').collect::<Vec<_>>().as_slice() {
        ["", "health"] => (&["http_expr", "health", "<$>"], FIXED),
        ["", "asset", ..] => (&["http_expr", "asset", "<*>"], SKIPPED),
        _ => (&["http_expr", "<*>"], FIXED),
    };
    let mut proof = vec![0xd9, 0xd9, 0xf7];
    tree().encode(&mut proof);
    let mut names = vec![0xd9, 0xd9, 0xf7];
    head(&mut names, 4, place.len());
    place.iter().for_each(|name| text(&mut names, 3, name.as_bytes()));
    let value =
        format!("certificate=:{}:, tree=:{}:, expr_path=:{}:, version=2", base64(certificate), base64(&proof), base64(&names));
    response.headers.push(("IC-Certificate".into(), value));
    response.headers.push(("IC-CertificateExpression".into(), expression.into()));
    response
}

fn tree() -> Tree {
    let [ok, not_found, too_long] =
        [plain(200, "OK"), plain(404, "Not Found"), plain(400, "Input too long")].map(|it| hash_of(&it));
    let elsewhere = labeled(b"<*>", fixed(not_found, too_long));
    let assets = labeled(b"asset", labeled(b"<*>", labeled(&sha256(SKIPPED.as_bytes()), Tree::Leaf)));
    let health = labeled(b"health", labeled(b"<$>", fixed(ok, not_found)));
    labeled(b"http_expr", fork(fork(elsewhere, assets), health))
}

/// One of two answers, whatever the request.
fn fixed(one: Digest, other: Digest) -> Tree {
    let (first, second) = (one.min(other), one.max(other));
    let answers = fork(labeled(&first, Tree::Leaf), labeled(&second, Tree::Leaf));
    labeled(&sha256(FIXED.as_bytes()), labeled(b"", answers))
}

/// The hash of an answer with its status, certified headers and body.
fn hash_of(response: &HttpResponse) -> Digest {
    let mut pairs: Vec<[Digest; 2]> =
        response.headers.iter().map(|(name, value)| [sha256(name.to_lowercase().as_bytes()), sha256(value.as_bytes())]).collect();
    pairs.push([sha256(b"ic-certificateexpression"), sha256(FIXED.as_bytes())]);
    pairs.push([sha256(b":ic-cert-status"), sha256(&leb128(response.status_code))]);
    pairs.sort_unstable();
    let headers = sha256(&pairs.as_flattened().concat());
    sha256(&[headers, sha256(&response.body)].concat())
}

fn fork(left: Tree, right: Tree) -> Tree {
    Tree::Fork(Box::new(left), Box::new(right))
}

fn labeled(label: &[u8], below: Tree) -> Tree {
    Tree::Labeled(label.to_vec(), Box::new(below))
}

impl Tree {
    fn hash(&self) -> Digest {
        match self {
            Tree::Fork(left, right) => sha256(&[b"\x10ic-hashtree-fork".as_slice(), &left.hash(), &right.hash()].concat()),
            Tree::Labeled(label, below) => sha256(&[b"\x13ic-hashtree-labeled", label.as_slice(), &below.hash()].concat()),
            Tree::Leaf => sha256(b"\x10ic-hashtree-leaf"),
        }
    }

    /// Writes the tree as CBOR.
    fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Tree::Fork(left, right) => {
                out.extend([0x83, 1]);
                left.encode(out);
                right.encode(out);
            }
            Tree::Labeled(label, below) => {
                out.extend([0x83, 2]);
                text(out, 2, label);
                below.encode(out);
            }
            Tree::Leaf => out.extend([0x82, 3, 0x40]),
        }
    }
}

/// A CBOR string of bytes (major type 2) or characters (3).
fn text(out: &mut Vec<u8>, major: u8, bytes: &[u8]) {
    head(out, major, bytes.len());
    out.extend_from_slice(bytes);
}

/// The head of a CBOR value of less than 256 items or bytes.
fn head(out: &mut Vec<u8>, major: u8, len: usize) {
    match u8::try_from(len).unwrap_or(u8::MAX) {
        small @ 0..24 => out.push(major << 5 | small),
        len => out.extend([major << 5 | 24, len]),
    }
}

fn leb128(mut number: u16) -> Vec<u8> {
    let mut bytes = Vec::new();
    while number > 0x7f {
        bytes.push(number as u8 & 0x7f | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
    bytes
}
