//! The layouts of wire types that are stored as part of records.

use super::{layout, variants};
use crate::types::{
    AccessCondition, AccessEntry, AccessEvent, AssetMetadata, AssetMetadataBase, AssetType, AudioAssetMetadata, BlobHosting,
    BlobRef, ControllerState, DatabaseHosting, DocumentAssetMetadata, GrantSource, ImageAssetMetadata, InlineAssetInput,
    InternalBlobAssetInput, MemoryMetadata, MemoryType, NoteAssetMetadata, OwnerState, PersonRef, ResourceRole, SharingStatus,
    VideoAssetMetadata,
};

variants!(MemoryType { 0 = Image, 1 = Video, 2 = Audio, 3 = Document, 4 = Note });
variants!(AssetType { 0 = Original, 1 = Thumbnail, 2 = Display, 3 = Placeholder, 4 = Metadata });
variants!(SharingStatus { 0 = Public, 1 = Shared, 2 = Private });
variants!(DatabaseHosting { 0 = Icp, 1 = Neon });
variants!(BlobHosting { 0 = S3, 1 = VercelBlob, 2 = Icp, 3 = Arweave, 4 = Ipfs, 5 = Neon });

variants!(PersonRef { 0 = Principal(principal), 1 = Opaque(name) });
variants!(GrantSource { 0 = User, 1 = Group, 2 = MagicLink, 3 = System });
variants!(ResourceRole { 0 = Owner, 1 = SuperAdmin, 2 = Admin, 3 = Member, 4 = Guest });
variants!(AccessEvent {
    0 = AfterDeath, 1 = Anniversary(years), 2 = Birthday(years), 3 = Graduation, 4 = Wedding, 5 = CapsuleMaturity(years),
    6 = ConnectionCount(count), 7 = Custom(name),
});
variants!(AccessCondition {
    0 = Immediate, 1 = Scheduled { accessible_after }, 2 = ExpiresAt { expires }, 3 = EventTriggered { event },
});
layout!(AccessEntry {
    id,
    person_ref,
    is_public,
    grant_source,
    source_id,
    role,
    perm_mask,
    invited_by_person_ref,
    created_at,
    updated_at,
    condition,
});

layout!(OwnerState { since, last_activity_at });
layout!(ControllerState { granted_at, granted_by });

layout!(MemoryMetadata {
    memory_type,
    title,
    description,
    content_type,
    created_at,
    updated_at,
    uploaded_at,
    date_of_memory,
    file_created_at,
    parent_folder_id,
    tags,
    deleted_at,
    people_in_memory,
    location,
    memory_notes,
    created_by,
    database_storage_edges,
    shared_count,
    sharing_status,
    total_size,
    asset_count,
});
layout!(AssetMetadataBase {
    name,
    description,
    tags,
    asset_type,
    bytes,
    mime_type,
    sha256,
    width,
    height,
    url,
    storage_key,
    bucket,
    asset_location,
    processing_status,
    processing_error,
    created_at,
    updated_at,
    deleted_at,
});
layout!(ImageAssetMetadata { base, color_space, exif_data, compression_ratio, dpi, orientation });
layout!(VideoAssetMetadata { base, duration, frame_rate, codec, bitrate, resolution, aspect_ratio });
layout!(AudioAssetMetadata { base, duration, sample_rate, channels, bitrate, codec, bit_depth });
layout!(DocumentAssetMetadata { base, page_count, document_type, language, word_count });
layout!(NoteAssetMetadata { base, word_count, language, format });
variants!(AssetMetadata { 0 = Image(it), 1 = Video(it), 2 = Audio(it), 3 = Document(it), 4 = Note(it) });

// Of requests: only their digests are stored.
layout!(BlobRef { locator, hash, len });
layout!(InternalBlobAssetInput { blob_id, metadata });
layout!(InlineAssetInput { bytes, metadata });
