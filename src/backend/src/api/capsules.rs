//! Capsules.

use crate::capsules;
use crate::error::Result;
use crate::memories;
use crate::runtime::{change, read};
use crate::types::{Capsule, CapsuleHeader, CapsuleInfo, CapsuleUpdateData, PersonRef, ResourceType};

#[ic_cdk::update]
fn capsules_create(subject: Option<PersonRef>) -> Result<Capsule> {
    change(|state, call| capsules::create(state, call, subject))
}

#[ic_cdk::query]
fn capsules_read_basic(id: Option<String>) -> Result<CapsuleInfo> {
    read(|state, call| capsules::read_basic(state, call, id.as_deref()))
}

#[ic_cdk::query]
fn capsules_read_full(id: Option<String>) -> Result<Capsule> {
    read(|state, call| capsules::read_full(state, call, id.as_deref()))
}

#[ic_cdk::query]
fn capsules_list() -> Vec<CapsuleHeader> {
    read(capsules::list)
}

#[ic_cdk::update]
fn capsules_update(id: String, changes: CapsuleUpdateData) -> Result<Capsule> {
    change(|state, call| capsules::update(state, call, &id, &changes))
}

#[ic_cdk::update]
fn capsules_delete(id: String) -> Result<()> {
    change(|state, call| capsules::delete(state, call, &id))
}

#[ic_cdk::update]
fn capsules_bind_neon(kind: ResourceType, id: String, bind: bool) -> Result<()> {
    change(|state, call| memories::bind_neon(state, call, kind, &id, bind))
}
