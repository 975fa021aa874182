//! Records read back as they were written, and other bytes are none.

use candid::Principal;
use proptest::prelude::*;
use serde_bytes::ByteBuf;

use super::{LAYOUT, from_bytes, is_candid, to_bytes};
use crate::codec;
use crate::memories::{Place, StoredAsset, StoredMemory};
use crate::types::{
    AccessCondition, AccessEntry, AccessEvent, AssetMetadata, AssetMetadataBase, AssetType, AudioAssetMetadata, BlobHosting,
    DatabaseHosting, DocumentAssetMetadata, GrantSource, ImageAssetMetadata, MemoryMetadata, MemoryType, NoteAssetMetadata,
    PersonRef, ResourceRole, SharingStatus, VideoAssetMetadata,
};

fn base(name: &str, number: u64) -> AssetMetadataBase {
    AssetMetadataBase {
        name: name.into(),
        description: Some("ä\u{0}".into()),
        tags: vec![name.into(), String::new()],
        asset_type: [AssetType::Original, AssetType::Thumbnail, AssetType::Display, AssetType::Placeholder, AssetType::Metadata]
            [number as usize % 5],
        bytes: number,
        mime_type: "image/png".into(),
        sha256: Some(ByteBuf::from(vec![7; 32])),
        width: Some(1),
        height: None,
        url: Some(String::new()),
        storage_key: None,
        bucket: Some("b".into()),
        asset_location: None,
        processing_status: Some("done".into()),
        processing_error: None,
        created_at: u64::MAX,
        updated_at: 0,
        deleted_at: Some(number),
    }
}

fn asset_metadata(name: &str, number: u64) -> AssetMetadata {
    let (base, text) = (base(name, number), Some(name.to_string()));
    match number % 5 {
        0 => AssetMetadata::Image(ImageAssetMetadata {
            base,
            color_space: text,
            exif_data: None,
            compression_ratio: Some(0.5),
            dpi: Some(300),
            orientation: Some(8),
        }),
        1 => AssetMetadata::Video(VideoAssetMetadata {
            base,
            duration: Some(number),
            frame_rate: Some(29.97),
            codec: text,
            bitrate: None,
            resolution: None,
            aspect_ratio: Some(1.5),
        }),
        2 => AssetMetadata::Audio(AudioAssetMetadata {
            base,
            duration: None,
            sample_rate: Some(44_100),
            channels: Some(2),
            bitrate: Some(number),
            codec: text,
            bit_depth: Some(16),
        }),
        3 => AssetMetadata::Document(DocumentAssetMetadata {
            base,
            page_count: Some(3),
            document_type: text,
            language: None,
            word_count: Some(4),
        }),
        _ => AssetMetadata::Note(NoteAssetMetadata { base, word_count: None, language: text, format: Some("md".into()) }),
    }
}

fn entry(number: u64) -> AccessEntry {
    let events = [
        AccessEvent::AfterDeath,
        AccessEvent::Anniversary(1),
        AccessEvent::Birthday(2),
        AccessEvent::Graduation,
        AccessEvent::Wedding,
        AccessEvent::CapsuleMaturity(3),
        AccessEvent::ConnectionCount(4),
        AccessEvent::Custom("moved".into()),
    ];
    let roles = [ResourceRole::Owner, ResourceRole::SuperAdmin, ResourceRole::Admin, ResourceRole::Member, ResourceRole::Guest];
    let sources = [GrantSource::User, GrantSource::Group, GrantSource::MagicLink, GrantSource::System];
    AccessEntry {
        id: number.to_string(),
        person_ref: (!number.is_multiple_of(3)).then(|| PersonRef::Principal(Principal::from_slice(&[number as u8]))),
        is_public: number.is_multiple_of(2),
        grant_source: sources[number as usize % 4],
        source_id: Some("s".into()),
        role: roles[number as usize % 5],
        perm_mask: number as u32,
        invited_by_person_ref: Some(PersonRef::Opaque("aunt".into())),
        created_at: number,
        updated_at: number + 1,
        condition: match number % 4 {
            0 => AccessCondition::Immediate,
            1 => AccessCondition::Scheduled { accessible_after: number },
            2 => AccessCondition::ExpiresAt { expires: number },
            _ => AccessCondition::EventTriggered { event: events[number as usize / 4 % 8].clone() },
        },
    }
}

fn place(number: u64) -> Place {
    let hosts =
        [BlobHosting::S3, BlobHosting::VercelBlob, BlobHosting::Icp, BlobHosting::Arweave, BlobHosting::Ipfs, BlobHosting::Neon];
    match number % 3 {
        0 => Place::Inline { len: number, sha256: [1; 32] },
        1 => Place::Blob { id: u64::MAX - number, len: 2, sha256: [3; 32] },
        _ => Place::External { location: hosts[number as usize / 3 % 6], storage_key: "k".into(), url: Some("u".into()) },
    }
}

fn memory(name: &str, assets: u64, number: u64) -> StoredMemory {
    let kinds = [MemoryType::Image, MemoryType::Video, MemoryType::Audio, MemoryType::Document, MemoryType::Note];
    let asset = |at| StoredAsset { id: [at as u8; 16], metadata: asset_metadata(name, at), place: place(at), idem_key: [9; 32] };
    StoredMemory {
        id: [5; 16],
        metadata: MemoryMetadata {
            memory_type: kinds[number as usize % 5],
            title: Some(name.into()),
            description: None,
            content_type: "image/jpeg".into(),
            created_at: number,
            updated_at: 1,
            uploaded_at: 2,
            date_of_memory: Some(3),
            file_created_at: None,
            parent_folder_id: Some("f".into()),
            tags: vec![],
            deleted_at: None,
            people_in_memory: Some(vec![name.into()]),
            location: None,
            memory_notes: Some("n".into()),
            created_by: Some("me".into()),
            database_storage_edges: vec![DatabaseHosting::Icp, DatabaseHosting::Neon],
            shared_count: 4,
            sharing_status: [SharingStatus::Public, SharingStatus::Shared, SharingStatus::Private][number as usize % 3],
            total_size: 5,
            asset_count: 6,
        },
        access_entries: (0..number % 40).map(entry).collect(),
        assets: (0..assets).map(asset).collect(),
        assets_made: assets,
        idem_key: [8; 32],
    }
}

proptest! {
    /// A record reads back from its own layout and from the Candid of earlier builds, and is shorter than that.
    #[test]
    fn round_trip(name in ".{0,20}", assets in 0u64..40, number in any::<u64>()) {
        let memory = memory(&name, assets, number);
        let (stored, candid) = (to_bytes(&memory), codec::to_bytes(&memory));
        prop_assert!(is_candid(&candid) && !is_candid(&stored));
        prop_assert!(stored.len() < candid.len());
        prop_assert_eq!(from_bytes::<StoredMemory>(&stored), Some(memory.clone()));
        prop_assert_eq!(from_bytes::<StoredMemory>(&candid), Some(memory));
    }

    /// Bytes that were cut, lengthened or changed are a value or none, and never a panic.
    #[test]
    fn other_bytes(assets in 0u64..6, number in any::<u64>(), at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let stored = to_bytes(&memory("x", assets, number));
        prop_assert_eq!(from_bytes::<StoredMemory>(&stored[..at.index(stored.len())]), None);
        prop_assert_eq!(from_bytes::<StoredMemory>(&[stored.as_slice(), &[byte]].concat()), None);
        let mut changed = stored.clone();
        changed[at.index(stored.len())] = byte;
        if let Some(value) = from_bytes::<StoredMemory>(&changed) {
            prop_assert!(to_bytes(&value).len() <= changed.len());
        }
    }
}

/// A layout of a later build is none of ours, and a length of more than 32 bits is no length.
#[test]
fn later_layouts_are_refused() {
    let mut stored = to_bytes(&"text".to_string());
    assert_eq!(from_bytes::<String>(&stored).as_deref(), Some("text"));
    stored[0] = LAYOUT + 1;
    assert_eq!(from_bytes::<String>(&stored), None);
    assert_eq!(from_bytes::<String>(&[LAYOUT, 0xff, 0xff, 0xff, 0xff, 0x1f]), None);
}

/// The bytes of a record, so that no change of the code changes the layout unseen.
#[test]
fn bytes_of_a_record() {
    let place = Place::External { location: BlobHosting::Icp, storage_key: "key".into(), url: None };
    assert_eq!(to_bytes(&place), [LAYOUT, 2, 2, 3, b'k', b'e', b'y', 0]);
    let pair = (vec![Some(1u32), None], "x".repeat(200));
    let mut expected = vec![LAYOUT, 2, 1, 1, 0, 0, 0, 0, 0xc8, 1];
    expected.extend(std::iter::repeat_n(b'x', 200));
    assert_eq!(to_bytes(&pair), expected);
}
