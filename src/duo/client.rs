//! Who may read, write, and see secrets: three types over one transport.
//!
//! None of them exposes its transport, so a [`Reader`] cannot be turned into a writer.

use std::time::Duration;

use futures_util::future::try_join;
use futures_util::stream::{self, StreamExt, TryStreamExt};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value};

use super::api::{Deletable, ReadApi, SecretApi, WriteApi};
use super::call::{ApiCall, Success, Transport};
use super::error::DuoError;
use super::object::{Ikey, Kind, Object, ObjectId};
use super::page::Pager;
use super::request::title;
use super::types::{Account, is_client_secret, is_secret_key};
use crate::secret::Secret;

/// A page size that every list accepts.
const PAGE: &str = "100";

/// Page sizes to try if Duo refuses the usual one.
const SMALLER_PAGES: [&str; 2] = [PAGE, "20"];

fn is_about_the_limit(error: &DuoError) -> bool {
    matches!(error, DuoError::Refused(refusal) if refusal.status == 400 && refusal.detail.as_deref() == Some("limit"))
}

/// How often a list that changes while it is read is read at most (trap 29).
const WALKS: usize = 3;

/// How many pages are in flight at once.
const PAGES_AHEAD: usize = 4;

const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// Can only read.
#[derive(Clone, Debug)]
pub struct Reader<T> {
    transport: T,
}

/// Can read and write.
#[derive(Clone, Debug)]
pub struct Writer<T> {
    reader: Reader<T>,
}

/// Can only read secret keys.
#[derive(Clone, Debug)]
pub struct KeyReader<T> {
    transport: T,
}

impl<T: Transport> Reader<T> {
    /// A reader over a transport; pass a clone of a shared one.
    pub fn new(transport: T) -> Self {
        Self { transport }
    }

    async fn items(&self, path: &str, key: &'static str, limit: &str) -> Result<Vec<Value>, DuoError> {
        let mut items = self.items_in(path, key, limit).await;
        // The maximum page size of some lists is not documented: if Duo refuses a size, smaller ones are tried.
        for smaller in SMALLER_PAGES.into_iter().filter(|smaller| *smaller != limit) {
            if !items.as_ref().is_err_and(is_about_the_limit) {
                break;
            }
            items = self.items_in(path, key, smaller).await;
        }
        items
    }

    async fn items_in(&self, path: &str, key: &'static str, limit: &str) -> Result<Vec<Value>, DuoError> {
        let mut before = None;
        for _ in 1..WALKS {
            let pager = self.walk(path, key, limit).await?;
            if !pager.needs_another_walk(before.as_ref()) {
                return pager.finish();
            }
            before = Some(pager);
        }
        let last = self.walk(path, key, limit).await?;
        if last.total().is_none() && last.needs_another_walk(before.as_ref()) {
            return Err(
                last.incomplete("Duo gives no count, and reading it twice returned different objects")
            );
        }
        last.finish()
    }

    async fn walk(&self, path: &str, key: &'static str, limit: &str) -> Result<Pager, DuoError> {
        let mut pager = Pager::new(path, key);
        self.fetch_wanted(&mut pager, path, limit).await?;
        let pages = pager.ahead().map(|offset| self.page(path, limit, offset));
        let mut pages = std::pin::pin!(stream::iter(pages).buffered(PAGES_AHEAD));
        // The walk stays sequential, so its checks see every page in order.
        while pager.wanted().is_some() {
            match pages.try_next().await? {
                Some((offset, page)) => pager.accept(offset, page)?,
                None => break,
            }
        }
        while pager.wanted().is_some() {
            self.fetch_wanted(&mut pager, path, limit).await?;
        }
        Ok(pager)
    }

    async fn fetch_wanted(&self, pager: &mut Pager, path: &str, limit: &str) -> Result<(), DuoError> {
        if let Some(offset) = pager.wanted() {
            let (offset, page) = self.page(path, limit, offset).await?;
            pager.accept(offset, page)?;
        }
        Ok(())
    }

    async fn page(&self, path: &str, limit: &str, offset: i64) -> Result<(i64, Success), DuoError> {
        let call = ApiCall::get(path, &[("limit", limit), ("offset", &offset.to_string())]);
        self.transport.send(&call).await.map(|page| (offset, page))
    }

    async fn permitted(&self, call: ApiCall) -> Result<Option<Value>, DuoError> {
        match self.transport.send(&call).await {
            Ok(success) => Ok(Some(success.response)),
            Err(error) if error.status() == Some(403) && error.is_denied() => Ok(None),
            Err(error) => Err(error),
        }
    }
}

impl<T: Transport> ReadApi for Reader<T> {
    async fn list(&self, kind: Kind) -> Result<Vec<Object>, DuoError> {
        let endpoint = kind.endpoint();
        let items = self.items(endpoint.path, endpoint.id, &endpoint.page.to_string()).await?;
        items.into_iter().map(|item| Object::decode(kind, item)).collect::<Option<_>>().ok_or_else(|| {
            DuoError::Incomplete {
                path: endpoint.path.to_owned(),
                reason: "an object in it cannot be read".to_owned(),
            }
        })
    }

    async fn get(&self, id: &ObjectId) -> Result<Option<Object>, DuoError> {
        let endpoint = id.kind.endpoint();
        let call = ApiCall::get(one(endpoint.one.unwrap_or(endpoint.path), id)?, &[]);
        match self.transport.send(&call).await {
            Ok(success) => {
                match Object::decode(id.kind, success.response).filter(|found| found.id == id.id) {
                    Some(found) => Ok(Some(found)),
                    None => Err(not_what_was_asked(
                        &call,
                        &format!("it does not contain the requested {}", id.kind.noun()),
                    )),
                }
            }
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn account(&self) -> Result<Account, DuoError> {
        let summary = self.permitted(ApiCall::get("/admin/v1/info/summary", &[]));
        let settings = self.permitted(ApiCall::get("/admin/v1/settings", &[]));
        let (summary, settings) = try_join(summary, settings).await?;
        let text = |object: Option<Value>, key: &str| {
            let text = object.as_ref()?.get(key)?.as_str()?.trim().to_owned();
            Some(text).filter(|text| !text.is_empty())
        };
        Ok(Account { name: text(settings, "name"), edition: text(summary, "edition") })
    }
}

impl<T: Transport> Writer<T> {
    /// A writer over a transport; pass a clone of a shared one.
    pub fn new(transport: T) -> Self {
        Self { reader: Reader::new(transport) }
    }
}

impl<T: Transport> Writer<T> {
    /// Resets the secret key (duo-api.md, section 3.1). The old one stops working at once.
    ///
    /// # Errors
    ///
    /// Those of the transport. If the answer is lost, it is unknown whether there is a new key.
    pub async fn reset_secret_key(&self, ikey: &Ikey) -> Result<(), DuoError> {
        let body = Map::from_iter([("reset_secret_key".to_owned(), Value::from(1))]);
        self.reader.transport.send(&ApiCall::post(path(&ObjectId::application(ikey))?, body)).await.map(drop)
    }

    /// Resets the secret of one client of an OAuth application, or the only one of an OIDC application.
    ///
    /// # Errors
    ///
    /// As for [`Self::reset_secret_key`].
    pub async fn reset_client_secret(&self, ikey: &Ikey, client: Option<&str>) -> Result<(), DuoError> {
        let call = ApiCall::post(client_secret_path(ikey, client)?, Map::new());
        self.reader.transport.send(&call).await.map(drop)
    }
}

impl<T: Transport> ReadApi for Writer<T> {
    async fn list(&self, kind: Kind) -> Result<Vec<Object>, DuoError> {
        self.reader.list(kind).await
    }

    async fn get(&self, id: &ObjectId) -> Result<Option<Object>, DuoError> {
        self.reader.get(id).await
    }

    async fn account(&self) -> Result<Account, DuoError> {
        self.reader.account().await
    }
}

impl<T: Transport> WriteApi for Writer<T> {
    async fn create(&self, kind: Kind, body: Map<String, Value>) -> Result<Object, DuoError> {
        let call = ApiCall::post(kind.endpoint().path, body);
        let success = self.reader.transport.send(&call).await?;
        Object::decode(kind, success.response)
            .ok_or_else(|| not_what_was_asked(&call, &format!("it does not contain the new {}", kind.noun())))
    }

    async fn update(&self, id: &ObjectId, body: Map<String, Value>) -> Result<Object, DuoError> {
        let call = match id.kind.endpoint().puts {
            true => ApiCall::put(path(id)?, body),
            false => ApiCall::post(path(id)?, body),
        };
        let success = self.reader.transport.send(&call).await?;
        let updated = Object::decode(id.kind, success.response);
        if let Some(updated) = updated.filter(|updated| updated.id == id.id) {
            return Ok(updated);
        }
        // The change is done; an error from here on must not look as if Duo had refused it.
        let lost = |reason: String| DuoError::Lost { call: title(&call), reason };
        match self.reader.get(id).await {
            Ok(Some(updated)) => Ok(updated),
            Ok(None) => {
                Err(lost(format!("Duo accepted the change, but the {} no longer exists", id.kind.noun())))
            }
            Err(error) => Err(lost(format!("Duo accepted the change, but reading it back failed: {error}"))),
        }
    }

    async fn delete(&self, target: &Deletable) -> Result<(), DuoError> {
        self.reader.transport.send(&ApiCall::delete(path(target.id())?)).await.map(drop)
    }

    fn announce(&self, reason: &'static str, wait: Duration) {
        self.reader.transport.announce(reason, wait);
    }
}

impl<T: Transport> KeyReader<T> {
    /// A reader of secret keys over a transport; pass a clone of a shared one.
    pub fn new(transport: T) -> Self {
        Self { transport }
    }
}

impl<T: Transport> SecretApi for KeyReader<T> {
    async fn secret_key(&self, ikey: &Ikey) -> Result<Secret, DuoError> {
        let call = ApiCall::get(format!("/admin/v1/integrations/{}/skey", path_segment(ikey.as_str())?), &[]);
        let mut success = self.transport.send(&call).await?;
        match success.response.get_mut("secret_key").map(Value::take) {
            Some(Value::String(key)) if is_secret_key(&key) => Ok(Secret::new(key)),
            Some(Value::String(key)) if !key.is_empty() && !key.contains('*') => {
                Err(not_what_was_asked(&call, "its secret key is not 40 letters or digits"))
            }
            _ => Err(not_what_was_asked(&call, "it contains no secret key in clear text")),
        }
    }

    async fn client_secret(&self, ikey: &Ikey, client: Option<&str>) -> Result<Secret, DuoError> {
        let call = ApiCall::get(client_secret_path(ikey, client)?, &[]);
        let mut success = self.transport.send(&call).await?;
        match success.response.get_mut("client_secret").map(Value::take) {
            Some(Value::String(secret)) if is_client_secret(&secret) => Ok(Secret::new(secret)),
            Some(Value::String(secret)) if !secret.is_empty() && !secret.contains('*') => Err(
                not_what_was_asked(&call, "its client secret is not a single word of at most 512 characters"),
            ),
            _ => Err(not_what_was_asked(&call, "it contains no client secret in clear text")),
        }
    }
}

fn client_secret_path(ikey: &Ikey, client: Option<&str>) -> Result<String, DuoError> {
    let ikey = path_segment(ikey.as_str())?;
    Ok(match client {
        Some(client) => {
            format!("/admin/v2/integrations/oauth_cc/{ikey}/client_secret/{}", path_segment(client)?)
        }
        None => format!("/admin/v2/integrations/oidc/{ikey}/client_secret"),
    })
}

/// The path of one object.
fn path(id: &ObjectId) -> Result<String, DuoError> {
    one(id.kind.endpoint().path, id)
}

fn one(path: &str, id: &ObjectId) -> Result<String, DuoError> {
    Ok(format!("{path}/{}", path_segment(id.id.as_str())?))
}

/// An id as one segment of a path.
///
/// # Errors
///
/// [`DuoError::NotSent`] for a text that is not a valid id: it would address another object.
pub fn path_segment(id: &str) -> Result<String, DuoError> {
    if matches!(id, "" | "." | "..") || id.contains('/') {
        return Err(DuoError::NotSent {
            call: "a call".to_owned(),
            reason: format!("{:?} is not a valid Duo id", crate::text::printable(id)),
        });
    }
    Ok(utf8_percent_encode(id, ESCAPED).to_string())
}

fn not_what_was_asked(call: &ApiCall, reason: &str) -> DuoError {
    DuoError::Unexpected { call: title(call), status: 200, reason: reason.to_owned() }
}

#[cfg(test)]
mod tests;
