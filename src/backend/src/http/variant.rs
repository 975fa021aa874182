//! The words that name renditions in addresses and tokens.

use crate::types::AssetType;

/// `inline` names any inline asset, together with its id.
pub const INLINE: &str = "inline";

/// The rendition that a word names.
pub fn asset_type(variant: &str) -> Option<AssetType> {
    match variant {
        "original" => Some(AssetType::Original),
        "display" => Some(AssetType::Display),
        "thumbnail" => Some(AssetType::Thumbnail),
        "placeholder" => Some(AssetType::Placeholder),
        "metadata" => Some(AssetType::Metadata),
        _ => None,
    }
}
