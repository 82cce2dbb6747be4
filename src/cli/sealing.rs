//! The keys that seal the markers of a workspace, and sealing the markers again when one of the keys is replaced.

use crate::apply::seal::Sealer;
use crate::config::model::{StateKey, Workspace};
use crate::credentials::{CredentialError, Form, Surroundings, fetch};
use crate::duo::api::{ReadApi as _, SecretApi as _, WriteApi as _};
use crate::duo::client::{KeyReader, Reader, Writer};
use crate::duo::error::DuoError;
use crate::duo::https::HttpsTransport;
use crate::duo::object::{Ikey, Kind};
use crate::kinds::marker::Notes;
use crate::kinds::seal::{Keyring, Verdict};
use crate::secret::Secret;

/// The place in the YAML of the keys that seal markers.
pub(super) const STATE_KEYS: &str = "tenant.credentials.state_keys";

/// The keys that seal and verify markers, and why one of them is not available. `whole` if the secrets of the YAML may be
/// read; otherwise only the operator's key is available.
pub(super) fn keyring(
    workspace: &Workspace,
    operator: &Secret,
    whole: bool,
) -> (Keyring, Option<CredentialError>) {
    let credentials = workspace.tenant.credentials.as_ref();
    let recovery = credentials.and_then(|credentials| credentials.recovery.as_deref());
    let around = Surroundings::of(workspace);
    let recovery = || recovery.map(|pair| fetch(&pair.secret_key.value, Form::SecretKey, &around));
    let Some(declared) = credentials.and_then(|credentials| credentials.state_keys.as_ref()) else {
        // If the recovery key is not available, markers that it sealed count as sealed by an unknown key.
        let recovery = whole.then(recovery).flatten().and_then(Result::ok);
        return (Keyring::new([operator].into_iter().chain(&recovery)), None);
    };
    let (mut secrets, mut missing) = (Vec::new(), None);
    for key in declared {
        let found = match &key.value {
            StateKey::Operator => Some(Ok(operator.clone())),
            StateKey::Recovery => whole.then(recovery).flatten(),
            StateKey::From(source) => whole.then(|| fetch(source, Form::StateKey, &around)),
        };
        match found {
            Some(Ok(secret)) => secrets.push(secret),
            Some(Err(error)) => missing = missing.or(Some(error)),
            None => {}
        }
    }
    (Keyring::new(&secrets), missing)
}

/// How many markers were sealed again, and how many could not be.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Resealed {
    pub(super) done: usize,
    pub(super) failed: usize,
}

/// Seals the markers of a workspace again after the operator's own key was replaced: only this run knows both keys. It uses
/// the recovery key, since the operator's connection still has the old key.
pub(super) async fn seal_anew(
    workspace: &Workspace,
    keyring: &Keyring,
    recovery: &HttpsTransport,
    operator: &Ikey,
) -> Result<Resealed, DuoError> {
    let credentials = workspace.tenant.credentials.as_ref();
    let declared = credentials.and_then(|credentials| credentials.state_keys.as_ref());
    let seals = declared.is_none_or(|keys| keys.first().is_some_and(|key| key.value == StateKey::Operator));
    let mut resealed = Resealed::default();
    if !seals {
        return Ok(resealed);
    }
    let secret = KeyReader::new(recovery.clone()).secret_key(operator).await?;
    let now = Keyring::new([&secret]);
    let (reader, writer, sealer) =
        (Reader::new(recovery.clone()), Writer::new(recovery.clone()), Sealer::new(&now));
    for live in reader.list(Kind::Application).await? {
        let notes = Notes::parse(live.notes());
        let Some(marker) = notes.marker.as_ref() else { continue };
        let ours = marker.workspace == workspace.name.value;
        if !ours || keyring.verdict(&live.id, &notes) != Some(Verdict::Valid) {
            continue;
        }
        let plain = serde_json::json!({"notes": marker.notes(&notes.text)});
        let body =
            sealer.over(live.kind, Some(&live.id), plain.as_object().unwrap_or(&serde_json::Map::new()));
        match writer.update(&live.object_id(), body).await {
            Ok(_) => resealed.done += 1,
            Err(_) => resealed.failed += 1,
        }
    }
    Ok(resealed)
}
