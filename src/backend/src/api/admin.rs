//! Installation, quotas, and what controllers may see and do.

use crate::error::Result;
use crate::housekeeping;
use crate::http;
use crate::runtime::{self, change, read};
use crate::types::{InitArgs, Quotas, QuotasUpdate};
use crate::uploads;

#[ic_cdk::init]
fn init(arguments: Option<InitArgs>) {
    install(arguments);
}

#[ic_cdk::post_upgrade]
fn post_upgrade(arguments: Option<InitArgs>) {
    install(arguments);
}

fn install(arguments: Option<InitArgs>) {
    let installed = change(|state, call| housekeeping::install(state, call, arguments));
    if let Err(error) = installed {
        runtime::trap(&error.to_string());
    }
    runtime::certify(http::root());
    runtime::start_timers();
}

#[ic_cdk::query]
fn sessions_list() -> Result<String> {
    read(|state, call| call.require_controller().map(|()| uploads::list_text(state, call)))
}

#[ic_cdk::query]
fn sessions_stats() -> Result<String> {
    read(|state, call| call.require_controller().map(|()| uploads::stats_text(state, call)))
}

#[ic_cdk::update]
fn sessions_clear_all() -> Result<String> {
    let left = change(|state, call| call.require_controller().map(|()| uploads::clear_all(state, call)))?;
    Ok(if left == 0 { "All sessions cleared".into() } else { format!("{left} sessions are left, call again") })
}

#[ic_cdk::update]
fn sessions_cleanup_expired() -> Result<String> {
    change(|state, call| call.require_controller().map(|()| uploads::sweep(state, call)))?;
    Ok("Expired sessions cleaned up".into())
}

#[ic_cdk::query]
fn quotas() -> Quotas {
    read(|state, _| state.settings.get().quotas.clone())
}

#[ic_cdk::update]
fn quotas_update(changes: QuotasUpdate) -> Result<Quotas> {
    change(|state, call| housekeeping::change_quotas(state, call, &changes))
}
