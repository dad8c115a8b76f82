//! `relctl schema`: the JSON Schemas of everything that `--json` prints, made of the very types that are printed.

use std::collections::BTreeMap;

use protocol::ServerMessage;
use protocol::api::{
    CheckAnswer, HistoryEntry, IssuedToken, Page, ReleaseView, RevokedToken, RollbackAnswer,
    TokenView, UserView, WhoAmI,
};
use protocol::release_file::ReleaseFile;
use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::{
    checksum, client, config, delta, doctor, inspect, login, package, publish, shell, simulate,
    watch,
};
use crate::args::SchemaArgs;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{ErrorDocument, Output};
use crate::suggest::nearest;

type Make = fn(&mut SchemaGenerator) -> Schema;
type Whole = fn() -> Schema;

/// The documents of success by their names, with the type of their `data`.
const DOCUMENTS: &[(&str, Make)] = &[
    ("check", of::<CheckAnswer>),
    ("checksum-verify", of::<Vec<checksum::Compared>>),
    ("checksums", of::<Vec<checksum::Sum>>),
    ("client-install", of::<client::install::Document>),
    ("client-rollback", of::<client::rollback::Document>),
    ("client-status", of::<client::status::Document>),
    ("client-update", of::<client::update::Document<'_>>),
    ("config", of::<config::Shown>),
    ("config-paths", of::<config::Paths>),
    ("delta", of::<delta::create::Made>),
    ("delta-applied", of::<delta::Applied>),
    ("delta-inspected", of::<delta::inspect::Inspected>),
    ("doctor", of::<doctor::Report>),
    ("download", of::<client::Downloaded>),
    ("history", of::<Page<HistoryEntry>>),
    ("inspect", of::<inspect::Inspected>),
    ("login", of::<login::LoggedIn>),
    ("logout", of::<login::LoggedOut>),
    ("manual", of::<shell::Manual>),
    ("package", of::<package::Made>),
    ("publish", of::<publish::Summary>),
    ("rollback", of::<RollbackAnswer>),
    ("schemas", of::<Listed>),
    ("setting", of::<config::Entry>),
    ("token", of::<IssuedToken>),
    ("token-revoked", of::<RevokedToken>),
    ("tokens", of::<Vec<TokenView>>),
    ("user", of::<UserView>),
    ("users", of::<Vec<UserView>>),
    ("version", of::<ReleaseView>),
    ("versions", of::<Page<ReleaseView>>),
    ("whoami", of::<WhoAmI>),
];

/// What is no answer of a command that succeeded: the error of any, the lines of those that go on, and the file that
/// `relctl package` writes beside a JAR.
const OTHERS: &[(&str, Whole)] = &[
    ("error", error),
    ("event", event),
    ("launch", launch),
    ("release", release),
];

/// All names, without `relctl/` and `/v1`.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Listed {
    schemas: Vec<String>,
}

pub(crate) fn run(args: &SchemaArgs, output: &Output) -> Result<Exit, Failure> {
    match &args.name {
        None => {
            let listed = Listed {
                schemas: names().map(str::to_owned).collect(),
            };
            output.result("schemas", &listed, || listed.schemas.join("\n"))?;
        }
        Some(name) => {
            let schema = find(name).ok_or_else(|| unknown(name))?;
            let text = serde_json::to_string_pretty(&schema)
                .map_err(|error| Failure::error(error.to_string()))?;
            output.verbatim(&format!("{text}\n"))?;
        }
    }
    Ok(Exit::Ok)
}

fn names() -> impl Iterator<Item = &'static str> {
    let documents = DOCUMENTS.iter().map(|(name, _)| *name);
    documents.chain(OTHERS.iter().map(|(name, _)| *name))
}

/// The schema of a name such as `publish` or `relctl/publish/v1`.
fn find(name: &str) -> Option<Schema> {
    let name = name.strip_prefix("relctl/").unwrap_or(name);
    let name = name.strip_suffix("/v1").unwrap_or(name);
    if let Some((name, make)) = DOCUMENTS.iter().find(|(known, _)| *known == name) {
        return Some(document(name, *make));
    }
    let other = OTHERS.iter().find(|(known, _)| *known == name);
    other.map(|(_, make)| make())
}

fn unknown(name: &str) -> Failure {
    let failure = Failure::new(
        Exit::NotFound,
        "NO_SCHEMA",
        format!("there is no schema {name:?}"),
    );
    match nearest(name, names()) {
        Some(near) => failure.help(format!("did you mean {near}?")),
        None => failure.help("which are there?  relctl schema"),
    }
}

fn of<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<T>()
}

fn generator() -> SchemaGenerator {
    SchemaSettings::draft2020_12()
        .for_serialize()
        .into_generator()
}

/// A document of success around its data.
fn document(name: &str, make: Make) -> Schema {
    let mut generator = generator();
    let data = make(&mut generator);
    let properties = json!({
        "schema": {"const": format!("relctl/{name}/v1")},
        "ok": {"const": true},
        "data": data,
    });
    whole(name, properties, &["schema", "ok", "data"], generator)
}

fn error() -> Schema {
    let mut generator = generator();
    let error = of::<ErrorDocument<'_>>(&mut generator);
    let properties = json!({
        "schema": {"const": "relctl/error/v1"},
        "ok": {"const": false},
        "error": error,
    });
    whole("error", properties, &["schema", "ok", "error"], generator)
}

/// A line on the standard error of `relctl client run`, whose standard output is its application's.
fn launch() -> Schema {
    let mut schema = generator().into_root_schema_for::<client::run::Event<'_>>();
    schema.insert("title".to_owned(), "relctl/launch/v1".into());
    schema
}

fn release() -> Schema {
    let mut schema = generator().into_root_schema_for::<ReleaseFile>();
    schema.insert("title".to_owned(), "relctl/release/v1".into());
    schema
}

fn whole(
    name: &str,
    properties: Value,
    required: &[&str],
    mut generator: SchemaGenerator,
) -> Schema {
    let mut schema = Map::new();
    schema.insert("$schema".to_owned(), DRAFT.into());
    schema.insert("title".to_owned(), format!("relctl/{name}/v1").into());
    schema.insert("type".to_owned(), "object".into());
    schema.insert("properties".to_owned(), properties);
    schema.insert("required".to_owned(), json!(required));
    let definitions = generator.take_definitions(true);
    if !definitions.is_empty() {
        schema.insert("$defs".to_owned(), definitions.into());
    }
    schema.into()
}

const DRAFT: &str = "https://json-schema.org/draft/2020-12/schema";

/// A line of `watch` or `simulate`. An event of the daemon has its `timestamp` and `seq` in front, as `time` and `seq`.
fn event() -> Schema {
    let mut generator = generator();
    let watched = of::<watch::Summary>(&mut generator);
    let simulated = of::<simulate::Summary>(&mut generator);
    let mut kinds: BTreeMap<String, Value> = BTreeMap::from([
        ("SUMMARY".to_owned(), json!({"anyOf": [watched, simulated]})),
        (
            "STREAM_STATE".to_owned(),
            of::<watch::StreamState>(&mut generator).to_value(),
        ),
        (
            "SIMULATION_STATE".to_owned(),
            of::<simulate::State>(&mut generator).to_value(),
        ),
    ]);
    let mut definitions = generator.take_definitions(true);
    let messages = self::generator().into_root_schema_for::<ServerMessage>();
    let mut messages = messages.to_value();
    let known = messages["$defs"].take();
    for message in messages["oneOf"].as_array().into_iter().flatten() {
        let kind = message["properties"]["type"]["const"].as_str();
        let name = message["properties"]["data"]["$ref"].as_str();
        let name = name.and_then(|name| name.strip_prefix("#/$defs/"));
        let (Some(kind), Some(name)) = (kind, name) else {
            continue;
        };
        let is_event = known[name]["properties"]["timestamp"].is_object();
        if is_event {
            kinds.insert(kind.to_owned(), json!({"$ref": format!("#/$defs/{name}")}));
        }
    }
    for (name, mut schema) in known.as_object().cloned().unwrap_or_default() {
        for moved in ["timestamp", "seq"] {
            if let Some(Value::Object(properties)) = schema.get_mut("properties") {
                properties.remove(moved);
            }
            if let Some(Value::Array(required)) = schema.get_mut("required") {
                required.retain(|name| name != moved);
            }
        }
        definitions.insert(name, schema);
    }
    let data_by_kind: Vec<Value> = kinds
        .iter()
        .map(|(kind, data)| {
            json!({
                "if": {"properties": {"type": {"const": kind}}},
                "then": {"properties": {"data": data}},
            })
        })
        .collect();
    let known_kinds: Vec<&String> = kinds.keys().collect();
    let schema = json!({
        "$schema": DRAFT,
        "title": "relctl/event/v1",
        "type": "object",
        "properties": {
            "schema": {"const": "relctl/event/v1"},
            "seq": {"type": "integer", "minimum": 0},
            "time": {"type": "string", "format": "date-time"},
            "type": {"type": "string", "examples": known_kinds},
            "data": {"type": "object"},
        },
        "required": ["schema", "time", "type", "data"],
        "allOf": data_by_kind,
        "$defs": definitions,
    });
    // It is an object, and so a schema.
    schema.try_into().unwrap_or_default()
}

#[cfg(test)]
mod tests;
