//! Collects what the public API of Identity Intelligence shows, without judging it.

use futures_util::StreamExt as _;
use jiff::Timestamp;

use crate::intelligence::api::{ApiError, Client, DuoData, EndUser, IntegrationStatus, PARALLELISM};

use super::sample::Sample;
use super::world::Api;

/// How far the public API answers.
pub(super) enum Answer {
    /// The YAML names no credentials.
    NotDeclared,
    /// The credentials are unavailable or unusable, with the reason.
    Unusable(String),
    /// There is no token.
    NoToken(ApiError),
    /// There is a token but no answer: an error, or `false`.
    Silent(Option<ApiError>),
    /// It answers.
    Seen(Box<Seen>),
}

impl Answer {
    /// The time of the oldest evidence that is judged for integrations with these display names.
    pub(super) fn oldest(&self, names: &[String]) -> Option<Timestamp> {
        let Self::Seen(seen) = self else { return None };
        let statuses = seen.statuses.as_ref().ok()?.as_deref().unwrap_or_default();
        let named = statuses.iter().filter(|status| names.contains(&status.name));
        let dates = named.filter_map(|status| status.date.parse::<Timestamp>().ok());
        let data = seen.data.as_ref().ok().and_then(|data| data.newest);
        let users = seen.users.as_ref().ok().and_then(|users| users.newest);
        let oldest = dates.min()?;
        [data, users].into_iter().flatten().chain([oldest]).min()
    }
}

/// What it shows.
pub(super) struct Seen {
    /// The status of every integration; `None` if this API does not show it.
    pub(super) statuses: Result<Option<Vec<IntegrationStatus>>, ApiError>,
    /// Data from Duo.
    pub(super) data: Result<Data, ApiError>,
    /// The users that were looked for.
    pub(super) users: Result<Users, ApiError>,
}

/// Whether there is data from Duo.
pub(super) struct Data {
    /// How many people were checked.
    pub(super) people: usize,
    /// Whether one of them has data from Duo.
    pub(super) there: bool,
    /// When the newest of the checked records was updated.
    pub(super) newest: Option<Timestamp>,
}

/// How many of the sampled users were found.
pub(super) struct Users {
    /// How many were looked for.
    pub(super) asked: usize,
    /// How many were found.
    pub(super) there: usize,
    /// When the newest of their records was updated.
    pub(super) newest: Option<Timestamp>,
}

/// Asks for everything that the checks depend on.
pub(super) async fn ask(api: &Api, sample: &Sample) -> Answer {
    let client = match api {
        Api::NotDeclared => return Answer::NotDeclared,
        Api::Unusable(reason) => return Answer::Unusable(reason.clone()),
        Api::Usable(client) => client,
    };
    if let Err(error) = client.authorize().await {
        return Answer::NoToken(error);
    }
    match client.ping().await {
        Ok(true) => {}
        Ok(false) => return Answer::Silent(None),
        Err(error) => return Answer::Silent(Some(error)),
    }
    let (statuses, data, users) =
        futures_util::join!(client.integrations(), data(client), users(client, sample));
    Answer::Seen(Box::new(Seen { statuses, data, users }))
}

async fn data(client: &Client) -> Result<Data, ApiError> {
    let DuoData { people, logins } = client.duo_data().await?;
    let there = !logins.is_empty();
    let named = logins.iter().map(String::as_str).filter(|login| !login.is_empty());
    let found = end_users(client, named).await?;
    let records = found.iter().flatten().flat_map(EndUser::from_duo);
    Ok(Data { people, there, newest: records.filter_map(|record| record.updated).max() })
}

async fn users(client: &Client, sample: &Sample) -> Result<Users, ApiError> {
    let found = end_users(client, sample.users.iter().map(super::sample::User::login)).await?;
    let records: Vec<_> = sample
        .users
        .iter()
        .zip(&found)
        .filter_map(|(user, found)| found.as_ref()?.duo_user(&user.id, &user.username, &user.email))
        .collect();
    let newest = records.iter().filter_map(|record| record.updated).max();
    Ok(Users { asked: sample.users.len(), there: records.len(), newest })
}

/// The providers' records of people, in order; `None` if no one has the login.
async fn end_users<'l>(
    client: &Client,
    logins: impl Iterator<Item = &'l str>,
) -> Result<Vec<Option<EndUser>>, ApiError> {
    let asked = logins.map(|login| client.end_user(login));
    let answers: Vec<_> = futures_util::stream::iter(asked).buffered(PARALLELISM).collect().await;
    answers.into_iter().collect()
}
