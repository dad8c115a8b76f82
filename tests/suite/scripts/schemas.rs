//! Every document that `--json` prints, against the schema that `relctl schema` prints for it.

use std::collections::{BTreeMap, BTreeSet};

use boon::{Compiler, SchemaIndex};
use serde_json::Value;
use tests::relctl::Finished;
use tests::{Daemon, Relctl};

use super::{jar, relctl};
use crate::jars::large_jar;

/// The schemas as the binary prints them, made strict: a field that the schema does not know is an error here.
struct Schemas {
    schemas: boon::Schemas,
    indexes: BTreeMap<String, SchemaIndex>,
    met: BTreeSet<String>,
}

impl Schemas {
    fn load() -> Self {
        let mut schemas = boon::Schemas::new();
        let mut compiler = Compiler::new();
        let names = relctl(["schema"]).succeed();
        let mut indexes = BTreeMap::new();
        for name in names.lines() {
            let text = relctl(["schema", name]).succeed();
            let mut schema: Value = serde_json::from_str(&text).unwrap();
            forbid_unknown_fields(&mut schema);
            let location = format!("http://relctl/{name}");
            compiler.add_resource(&location, schema).unwrap();
            let index = compiler.compile(&location, &mut schemas);
            let index = index.unwrap_or_else(|error| panic!("{name} is no schema: {error:#}"));
            indexes.insert(format!("relctl/{name}/v1"), index);
        }
        assert!(indexes.len() > 30, "{names}");
        Self {
            schemas,
            indexes,
            met: BTreeSet::new(),
        }
    }

    #[track_caller]
    fn check(&mut self, document: &Value) {
        let name = document["schema"].as_str();
        let name = name.unwrap_or_else(|| panic!("it names no schema: {document:#}"));
        let index = self.indexes.get(name);
        let index = index.unwrap_or_else(|| panic!("there is no schema {name}"));
        if let Err(error) = self.schemas.validate(document, *index) {
            panic!("{error:#}\n{document:#}");
        }
        self.met.insert(name.to_owned());
    }

    /// Runs a command with `--json`, which must print one document of a known schema.
    #[track_caller]
    fn run(&mut self, call: Relctl<'_>, code: i32) -> Value {
        let finished: Finished = call.args(["--json"]).run().exits_with(code);
        let document = finished.json();
        self.check(&document);
        document
    }
}

fn forbid_unknown_fields(schema: &mut Value) {
    match schema {
        Value::Object(fields) => {
            if fields.contains_key("properties") && !fields.contains_key("additionalProperties") {
                fields.insert("additionalProperties".to_owned(), false.into());
            }
            for (name, below) in fields {
                // A condition asks for some fields only, and so does what follows from it.
                if !["if", "then", "const", "examples"].contains(&name.as_str()) {
                    forbid_unknown_fields(below);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(forbid_unknown_fields),
        _ => {}
    }
}

#[test]
fn every_document_is_as_its_schema_says() {
    let mut schemas = Schemas::load();
    let daemon = Daemon::start(crate::BINARIES);
    on_files(&mut schemas, &daemon);
    on_releases(&mut schemas, &daemon);
    as_a_desktop(&mut schemas, &daemon);
    on_identities(&mut schemas, &daemon);
    on_this_machine(&mut schemas, &daemon);
    as_a_fleet(&mut schemas, &daemon);

    let unmet: Vec<&String> = schemas
        .indexes
        .keys()
        .filter(|name| !schemas.met.contains(*name))
        .collect();
    assert!(unmet.is_empty(), "nothing was printed of {unmet:?}");
}

fn on_files(schemas: &mut Schemas, daemon: &Daemon) {
    let (old, new) = (daemon.home().join("old.jar"), daemon.home().join("new.jar"));
    std::fs::write(&old, large_jar("1.0.0")).unwrap();
    std::fs::write(&new, large_jar("1.1.0")).unwrap();
    let here = |words: &[&'static str]| relctl(words.iter().copied()).in_folder(daemon.home());
    schemas.run(here(&["checksum", "create", "old.jar", "new.jar"]), 0);
    schemas.run(here(&["checksum", "create", "old.jar", "-o", "SUMS"]), 0);
    schemas.run(here(&["checksum", "verify", "SUMS"]), 0);
    std::fs::write(
        daemon.home().join("SUMS"),
        format!("{}  old.jar\n", "0".repeat(64)),
    )
    .unwrap();
    schemas.run(here(&["checksum", "verify", "SUMS"]), 3);
    let package = ["package", "old.jar", "--version", "1.0.0", "-o", "dist"];
    schemas.run(here(&package), 0);
    let packed = ["package", "new.jar", "--normalize", "--name", "new"];
    let packed = schemas.run(here(&packed), 0);
    let release = packed["data"]["files"][1].as_str().unwrap();
    let release = std::fs::read(daemon.home().join(release)).unwrap();
    schemas.check(&serde_json::from_slice(&release).unwrap());
    for (file, against) in [
        ("new.jar", "old.jar"),
        ("dist/new-1.1.0.release.json", "dist/old-1.0.0.release.json"),
    ] {
        let inspect = ["inspect", file, "--list", "--against", against];
        schemas.run(here(&inspect), 0);
    }
    for format in ["jar", "zstd"] {
        let create = [
            "delta", "create", "old.jar", "new.jar", "-o", "patch", "--format",
        ];
        schemas.run(here(&create).args([format]), 0);
        schemas.run(here(&["delta", "inspect", "patch"]), 0);
        schemas.run(here(&["inspect", "patch", "--against", "old.jar"]), 0);
        schemas.run(
            here(&["delta", "apply", "old.jar", "patch", "-o", "rebuilt.jar"]),
            0,
        );
    }
}

fn on_releases(schemas: &mut Schemas, daemon: &Daemon) {
    for version in ["1.0.0", "1.1.0"] {
        let publish = daemon.relctl(["publish", "--notes", "Fixes", "--platform", "linux"]);
        schemas.run(publish.path(&jar(daemon, version)), 0);
    }
    for words in [
        &["versions", "list"][..],
        &["versions", "show", "1.1.0"],
        &["versions", "disable", "1.1.0"],
        &["versions", "enable", "1.1.0"],
        &["versions", "rollout", "1.1.0", "100%"],
        &["versions", "history", "1.1.0"],
        &["client", "check", "--current-version", "1.0.0"],
    ] {
        schemas.run(daemon.relctl(words.iter().copied()), 0);
    }
    let output = daemon.home().join("fetched.jar");
    let download = daemon.relctl(["client", "download", "1.1.0", "--output"]);
    schemas.run(download.path(&output), 0);
    let refused = daemon.relctl(["versions", "show", "9.9.9"]);
    assert_eq!(schemas.run(refused, 5)["error"]["exitCode"], 5);
    schemas.run(relctl(["publish"]), 2);
}

fn as_a_desktop(schemas: &mut Schemas, daemon: &Daemon) {
    let folder = daemon.home().join("desktop");
    let client = |command: &'static str, options: &[&'static str]| {
        daemon
            .relctl(["client", command, "--app-dir"])
            .path(&folder)
            .args(options.iter().copied())
    };
    let id = ["--client-id", "desktop-1"];
    schemas.run(client("update", &["--once"]).args(id), 0);
    schemas.run(client("install", &["1.0.0"]).args(id), 0);
    schemas.run(client("rollback", &[]), 0);
    schemas.run(client("status", &[]), 0);
    // The launcher's standard output is its application's, so its own lines are on standard error.
    let launcher = relctl(["client", "run", "--json", "--app-dir"]);
    let launcher = launcher.path(&daemon.home().join("empty")).run();
    let lines = launcher.stderr.lines();
    let mut events = lines.filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let event = events.next();
    schemas.check(&event.unwrap_or_else(|| panic!("{}", launcher.story())));

    let to = [
        "versions",
        "rollback",
        "--channel",
        "stable",
        "--to",
        "1.0.0",
    ];
    schemas.run(daemon.relctl(to), 0);
}

fn on_identities(schemas: &mut Schemas, daemon: &Daemon) {
    schemas.run(
        daemon.relctl(["user", "add", "ci", "--role", "PUBLISHER"]),
        0,
    );
    schemas.run(daemon.relctl(["user", "list"]), 0);
    let token = schemas.run(daemon.relctl(["token", "create", "--user", "ci"]), 0);
    schemas.run(daemon.relctl(["token", "list"]), 0);
    let id = token["data"]["tokenId"].as_str().unwrap();
    schemas.run(daemon.relctl(["token", "revoke", id]), 0);
    schemas.run(daemon.relctl(["whoami"]), 0);
}

fn on_this_machine(schemas: &mut Schemas, daemon: &Daemon) {
    let home = daemon.home().display().to_string();
    let with_home = |words: &[&'static str]| {
        daemon
            .relctl(words.iter().copied())
            .env("XDG_CONFIG_HOME", &home)
    };
    let token = daemon.home().join("token");
    std::fs::write(&token, daemon.admin_token()).unwrap();
    schemas.run(with_home(&["login", "--token-file"]).path(&token), 0);
    schemas.run(
        with_home(&["login", "--offline", "--token-file"]).path(&token),
        0,
    );
    schemas.run(with_home(&["doctor"]), 0);
    schemas.run(with_home(&["logout"]), 0);
    schemas.run(with_home(&["config", "show", "--all"]), 0);
    schemas.run(with_home(&["config", "get", "url"]), 0);
    schemas.run(with_home(&["config", "path"]), 0);
    schemas.run(with_home(&["schema"]), 0);
    schemas.run(with_home(&["man"]).path(&daemon.home().join("man")), 0);
    let unreachable = relctl(["doctor", "--url", "http://127.0.0.1:1"]);
    schemas.run(unreachable, 8);
}

/// Lines of both commands that follow a fleet: each of the daemon's events that a simulation brings about, and our own.
fn as_a_fleet(schemas: &mut Schemas, daemon: &Daemon) {
    let publish = daemon.relctl(["publish"]).path(&jar(daemon, "1.2.0"));
    schemas.run(publish, 0);
    let watching = daemon.relctl(["watch", "--json", "--since", "0"]).start();
    watching.wait_for_json("the stream", |line| line["type"] == "STREAM_STATE");
    let simulate = [
        "simulate",
        "--clients",
        "4",
        "--json",
        "--seed",
        "3",
        "--until",
    ];
    let simulated = daemon
        .relctl(simulate)
        .args(["updated", "--scenario", "fail:30%"]);
    for line in simulated.run().exits_with(0).json_lines() {
        schemas.check(&line);
    }
    watching.wait_for_json("a client that went", |line| {
        line["type"] == "CLIENT_DISCONNECTED"
    });
    watching.signal("INT");
    let lines = watching.finish().exits_with(130).json_lines();
    for line in &lines {
        schemas.check(line);
    }
    assert_eq!(lines.last().unwrap()["type"], "SUMMARY");
}
