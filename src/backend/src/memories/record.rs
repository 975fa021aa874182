//! What is kept of a memory, and how it looks on the wire.

use candid::{CandidType, Deserialize};
use serde_bytes::ByteBuf;

use crate::blobs::{BlobId, locator};
use crate::capsules::access;
use crate::codec::{Digest, digest, hex};
use crate::stored::{layout, variants};
use crate::types::{
    AccessEntry, AssetMetadata, AssetMetadataBase, AssetType, BlobHosting, BlobRef, MemoryAssetBlobExternal,
    MemoryAssetBlobInternal, MemoryMetadata,
};

/// Where a memory stands: capsule, and number within it in the order of making.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemoryKey(pub u64, pub u64);

/// An id of a memory or asset.
pub type Uuid = [u8; 16];

/// A memory.
#[derive(CandidType, Deserialize, Clone, Debug, PartialEq)]
pub struct StoredMemory {
    /// Its id.
    #[serde(with = "serde_bytes")]
    pub id: Uuid,
    /// What it says of itself; the last four fields are computed by `refresh`.
    pub metadata: MemoryMetadata,
    /// Who may see it.
    pub access_entries: Vec<AccessEntry>,
    /// Its assets in the order of adding.
    pub assets: Vec<StoredAsset>,
    /// How many assets it ever had.
    pub assets_made: u64,
    /// Under what its making is remembered.
    #[serde(with = "serde_bytes")]
    pub idem_key: Digest,
}

/// An asset.
#[derive(CandidType, Deserialize, Clone, Debug, PartialEq)]
pub struct StoredAsset {
    /// Its id.
    #[serde(with = "serde_bytes")]
    pub id: Uuid,
    /// What it says of itself.
    pub metadata: AssetMetadata,
    /// Where its bytes are.
    pub place: Place,
    /// Under what its adding is remembered; zeros for an asset that came with the memory.
    #[serde(with = "serde_bytes")]
    pub idem_key: Digest,
}

/// Where the bytes of an asset are.
#[derive(CandidType, Deserialize, Clone, Debug, PartialEq)]
pub enum Place {
    /// Beside the memory.
    Inline {
        /// Their number.
        len: u64,
        /// Their SHA-256.
        #[serde(with = "serde_bytes")]
        sha256: Digest,
    },
    /// A blob of this canister.
    Blob {
        /// Its number.
        id: BlobId,
        /// Its size.
        len: u64,
        /// Its SHA-256.
        #[serde(with = "serde_bytes")]
        sha256: Digest,
    },
    /// Somewhere else.
    External {
        /// Where.
        location: BlobHosting,
        /// Its name there.
        storage_key: String,
        /// Its address.
        url: Option<String>,
    },
}

layout!(StoredMemory { id, metadata, access_entries, assets, assets_made, idem_key });
layout!(StoredAsset { id, metadata, place, idem_key });
variants!(Place { 0 = Inline { len, sha256 }, 1 = Blob { id, len, sha256 }, 2 = External { location, storage_key, url } });

impl StoredMemory {
    /// Computes what the metadata says about the whole: sharing, size and number of assets.
    pub fn refresh(&mut self) {
        let (status, shared) = access::sharing(&self.access_entries, self.metadata.created_by.as_deref());
        self.metadata.sharing_status = status;
        self.metadata.shared_count = shared;
        self.metadata.total_size = self.assets.iter().map(StoredAsset::size).fold(0, u64::saturating_add);
        self.metadata.asset_count = self.assets.len() as u32;
    }

    /// Bytes of its inline assets.
    pub fn inline_bytes(&self) -> u64 {
        self.assets.iter().filter(|asset| matches!(asset.place, Place::Inline { .. })).map(StoredAsset::size).sum()
    }

    /// The blobs that it refers to.
    pub fn blobs(&self) -> impl Iterator<Item = BlobId> + '_ {
        self.assets.iter().filter_map(|asset| asset.blob())
    }

    /// The asset of a rendition that can be served from here: blobs before inline ones.
    pub fn servable(&self, wanted: AssetType) -> Option<&StoredAsset> {
        let fits = |asset: &&StoredAsset| base(&asset.metadata).asset_type == wanted;
        let blob = self.assets.iter().find(|asset| fits(asset) && asset.blob().is_some());
        blob.or_else(|| self.assets.iter().find(|asset| fits(asset) && asset.is_inline()))
    }

    /// The id of its next asset.
    pub fn next_asset_id(&mut self) -> Uuid {
        self.assets_made += 1;
        uuid(&[b"asset", &self.id, &self.assets_made.to_be_bytes()])
    }

    /// Its assets by index as `memories_read_asset` counts them: inline, blobs, external.
    pub fn in_order(&self) -> Vec<&StoredAsset> {
        let mut assets: Vec<_> = self.assets.iter().collect();
        assets.sort_by_key(|asset| match asset.place {
            Place::Inline { .. } => 0,
            Place::Blob { .. } => 1,
            Place::External { .. } => 2,
        });
        assets
    }
}

impl StoredAsset {
    /// Its true length; of an external one what it says.
    pub fn size(&self) -> u64 {
        match &self.place {
            Place::Inline { len, .. } | Place::Blob { len, .. } => *len,
            Place::External { .. } => base(&self.metadata).bytes,
        }
    }

    /// Its blob.
    pub fn blob(&self) -> Option<BlobId> {
        match self.place {
            Place::Blob { id, .. } => Some(id),
            _ => None,
        }
    }

    /// Whether it is kept inline.
    pub fn is_inline(&self) -> bool {
        matches!(self.place, Place::Inline { .. })
    }

    /// Whether its bytes are in this canister.
    pub fn is_here(&self) -> bool {
        !matches!(self.place, Place::External { .. })
    }

    /// As a blob asset on the wire.
    pub fn as_internal(&self) -> Option<MemoryAssetBlobInternal> {
        let Place::Blob { id, len, sha256 } = &self.place else {
            return None;
        };
        let blob_ref = BlobRef { locator: locator(*id), hash: Some(ByteBuf::from(sha256.to_vec())), len: *len };
        Some(MemoryAssetBlobInternal { asset_id: uuid_text(&self.id), blob_ref, metadata: self.metadata.clone() })
    }

    /// As an external asset on the wire.
    pub fn as_external(&self) -> Option<MemoryAssetBlobExternal> {
        let Place::External { location, storage_key, url } = &self.place else {
            return None;
        };
        Some(MemoryAssetBlobExternal {
            asset_id: uuid_text(&self.id),
            location: *location,
            storage_key: storage_key.clone(),
            url: url.clone(),
            metadata: self.metadata.clone(),
        })
    }
}

/// What every asset says of itself.
pub fn base(metadata: &AssetMetadata) -> &AssetMetadataBase {
    match metadata {
        AssetMetadata::Image(image) => &image.base,
        AssetMetadata::Video(video) => &video.base,
        AssetMetadata::Audio(audio) => &audio.base,
        AssetMetadata::Document(document) => &document.base,
        AssetMetadata::Note(note) => &note.base,
    }
}

/// An id from parts that together are unique.
pub fn uuid(parts: &[&[u8]]) -> Uuid {
    let mut id = [0; 16];
    id.copy_from_slice(&digest(parts)[..16]);
    // Version 8 (made in a way of one's own), variant 1: RFC 9562.
    id[6] = id[6] & 0x0f | 0x80;
    id[8] = id[8] & 0x3f | 0x80;
    id
}

/// The text of an id.
pub fn uuid_text(id: &Uuid) -> String {
    let mut text = hex(id);
    [20, 16, 12, 8].into_iter().for_each(|at| text.insert(at, '-'));
    text
}

/// The id in a text; only the form that `uuid_text` writes is one.
pub fn parse_uuid(text: &str) -> Option<Uuid> {
    let digits: Vec<u8> = text.bytes().filter(|&byte| byte != b'-').collect();
    let mut id = [0; 16];
    for (byte, pair) in id.iter_mut().zip(digits.chunks(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    (uuid_text(&id) == text).then_some(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An id reads back from its text, and from no other text.
    #[test]
    fn uuids_have_one_form() {
        let id = uuid(&[b"x"]);
        let text = uuid_text(&id);
        assert_eq!(text.len(), 36);
        assert_eq!(parse_uuid(&text), Some(id));
        for other in [text.to_uppercase(), text.replace('-', ""), format!("{text}0"), String::new(), "é".repeat(18)] {
            assert_eq!(parse_uuid(&other), None, "{other}");
        }
    }
}
