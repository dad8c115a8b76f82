//! Reports of clients that have no live session: `POST /api/v1/updates/reports`, with the message of the session.

use std::sync::Arc;

use axum::extract::{Request, State};
use protocol::api::Success;
use protocol::limits::JSON_BODY_BYTES;
use protocol::message::InstallationResult;
use protocol::{ClientId, ClientMessage, Envelope, InvalidMessage, Version};
use serde::Deserialize;
use serde_json::Value;

use super::extract::{Address, CurrentCaller, NamedClient, read_body};
use crate::app::App;
use crate::error::ApiError;
use crate::limit::{LimitKey, retry_sentence};
use crate::ops::reports::{self, Report};

/// Takes a report of the client that the request or the message names, else of the caller's only client.
pub(super) async fn take_report(
    State(app): State<Arc<App>>,
    CurrentCaller(caller): CurrentCaller,
    NamedClient(named): NamedClient,
    Address(address): Address,
    request: Request,
) -> Result<axum::Json<Success<()>>, ApiError> {
    let body = read_body(request, JSON_BODY_BYTES).await?;
    let text =
        std::str::from_utf8(&body).map_err(|_| ApiError::invalid("the body is not UTF-8"))?;
    let client_id = match named {
        Some(client_id) => Some(client_id),
        None => client_in(text)?.or_else(|| app.hub.sole_client_of(&caller.username)),
    };
    let limit_key = LimitKey::new(&caller.username, client_id.as_ref(), address);
    let now = tokio::time::Instant::now().into_std();
    app.limits
        .take_message(&limit_key, now)
        .map_err(|details| {
            let message = retry_sentence(details.retry_after);
            ApiError::rate_limited(details, message)
        })?;
    let Envelope { id: _, message } = Envelope::parse(text).map_err(refusal)?;
    let client_id = client_id.ok_or_else(nobody)?;
    let running = app.hub.version_of(&client_id);
    let report = read_report(message, running)?;
    reports::report(&app, &caller, &client_id, report, None);
    Ok(axum::Json(Success::new(())))
}

/// The client that a message names in its `data`. What is no message at all names nobody; its reader says why.
fn client_in(text: &str) -> Result<Option<ClientId>, ApiError> {
    let message: Value = serde_json::from_str(text).unwrap_or_default();
    match message.pointer("/data/clientId") {
        None | Some(Value::Null) => Ok(None),
        Some(named) => ClientId::deserialize(named)
            .map(Some)
            .map_err(|error| ApiError::invalid_field("clientId", error)),
    }
}

fn nobody() -> ApiError {
    let problem = "is missing; it, ?clientId= or data.clientId names the client that reports, unless the caller's sessions all belong to one";
    ApiError::invalid_field("X-Client-Id", problem)
}

/// The report in a message; all else needs a session. `running` is what the client runs, where it has one.
fn read_report(message: ClientMessage, running: Option<Version>) -> Result<Report, ApiError> {
    match message {
        ClientMessage::DownloadProgress(report) => Ok(Report::Download(report)),
        ClientMessage::InstallationProgress(report) => Ok(Report::Installation(report)),
        ClientMessage::InstallationCompleted(result) => with_previous(result, running),
        ClientMessage::Register(_)
        | ClientMessage::Subscribe(_)
        | ClientMessage::Unsubscribe(_)
        | ClientMessage::Ping(_)
        | ClientMessage::Watch(_)
        | ClientMessage::Unwatch {} => {
            let expected =
                "expected DOWNLOAD_PROGRESS, INSTALLATION_PROGRESS or INSTALLATION_COMPLETED";
            Err(ApiError::invalid_field("type", expected))
        }
    }
}

fn with_previous(result: InstallationResult, running: Option<Version>) -> Result<Report, ApiError> {
    let previous_version = result.previous_version.clone().or(running).ok_or_else(|| {
        let problem = "is missing, and the client has no session that would tell";
        ApiError::invalid_field("previousVersion", problem)
    })?;
    Ok(Report::Result {
        result,
        previous_version,
    })
}

fn refusal(invalid: InvalidMessage) -> ApiError {
    let error = ApiError::invalid(invalid.to_string());
    let problems = invalid.problems.into_iter();
    problems.fold(error, |error, problem| {
        error.with_field(&problem.field, problem.problem)
    })
}
