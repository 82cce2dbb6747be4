//! Checks whether each secret store can be reached. Nothing is written.

use std::collections::BTreeMap;

use crate::config::model::{SecretStore, SecretTarget};
use crate::reconcile::desired::Desired;
use crate::secrets::store::StoreError;
use crate::secrets::{Stores, place};
use crate::verify::report::{Check, Verdict};

use super::diagnosis::Diagnosis;

/// Reads one declared path of every store.
pub async fn check(
    found: &mut Diagnosis,
    declared: &BTreeMap<String, SecretStore>,
    stores: &Stores,
    desired: &Desired,
) {
    for name in declared.keys() {
        let check = format!("secret store {name}");
        let targets = desired.objects.iter().filter_map(|wanted| Some(&wanted.secret.as_ref()?.target));
        match targets.into_iter().find(|target| target.store == *name) {
            None => found.skipped(check, "no entry delivers to it"),
            Some(target) => match seen(stores, target).await {
                Ok(seen) => found.note(Check { name: check, ..seen }),
                Err(StoreError { message, help }) => {
                    let fix = help.unwrap_or_else(|| format!("correct `secret_stores.{name}` in the YAML"));
                    found.failed(check, message, fix);
                }
            },
        }
    }
}

/// The result of reading one path of a store.
async fn seen(stores: &Stores, target: &SecretTarget) -> Result<Check, StoreError> {
    let (store, place) = (stores.of(target)?, place(target));
    store.ready()?;
    let shown = store.describe(&place.path);
    if store.write_only() {
        let detail = format!("write-only: {shown} cannot be read back; its command exists and was not run");
        return Ok(Check::new("", Verdict::NotTestable, detail));
    }
    let contents = store.read(&place).await?;
    let held = if contents.payload.is_some() { "it holds keys" } else { "it is still empty" };
    Ok(Check::new("", Verdict::Verified, format!("{shown} can be read; {held}")))
}
