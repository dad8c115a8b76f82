use super::*;

/// What commands hand to the output, read from their sources.
fn printed_names() -> Vec<String> {
    let mut names = Vec::new();
    let mut folders = vec![std::path::PathBuf::from(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/src/commands"
    ))];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap();
            for after in text.split(concat!("output.res", "ult(")).skip(1) {
                let name = after.trim_start().strip_prefix('"');
                names.extend(name.and_then(|rest| Some(rest.split_once('"')?.0.to_owned())));
            }
        }
    }
    names
}

#[test]
fn everything_that_is_printed_has_a_schema() {
    let printed = printed_names();
    assert!(printed.len() > 25, "looking in the wrong folder");
    for name in &printed {
        assert!(find(name).is_some(), "{name} is printed and has no schema");
    }
    for (name, _) in DOCUMENTS {
        assert!(
            printed.iter().any(|printed| printed == name),
            "nobody prints {name}"
        );
    }
}

#[test]
fn a_schema_is_found_by_its_short_and_its_whole_name() {
    assert_eq!(find("publish"), find("relctl/publish/v1"));
    assert!(find("publsh").is_none());
    assert_eq!(unknown("publsh").help[0], "did you mean publish?");
}

#[test]
fn the_schema_of_events_knows_those_of_the_daemon_and_our_own() {
    let schema = event().to_value();
    let kinds = schema["properties"]["type"]["examples"].as_array().unwrap();
    for kind in [
        "DOWNLOAD_PROGRESS",
        "CLIENT_CONNECTED",
        "SUMMARY",
        "STREAM_STATE",
    ] {
        assert!(kinds.contains(&kind.into()), "{kind} is not in {kinds:?}");
    }
}

#[test]
fn no_field_of_a_document_goes_or_changes() {
    let mut text = String::new();
    for name in names().filter(|name| *name != "event") {
        let schema = find(name).unwrap().to_value();
        text.push_str(&format!("{name}\n"));
        add_fields(&schema, &schema, "", &mut text);
    }
    insta::assert_snapshot!(text);
}

/// A line for each field: its path, a question mark when it may be absent, and its type.
fn add_fields(root: &Value, schema: &Value, path: &str, text: &mut String) {
    let schema = resolved(root, schema);
    if let Some(fields) = schema["properties"].as_object() {
        let required = schema["required"].as_array().cloned().unwrap_or_default();
        for (name, below) in fields {
            let mark = if required.contains(&name.as_str().into()) {
                ""
            } else {
                "?"
            };
            let path = format!("{path}.{name}{mark}");
            text.push_str(&format!(
                "  {} {}\n",
                &path[1..],
                kind(root, resolved(root, below))
            ));
            add_fields(root, below, &path, text);
        }
    }
    if schema["items"].is_object() {
        add_fields(root, &schema["items"], &format!("{path}[]"), text);
    }
    for choice in schema["anyOf"].as_array().into_iter().flatten() {
        add_fields(root, choice, path, text);
    }
}

fn resolved<'a>(root: &'a Value, schema: &'a Value) -> &'a Value {
    let name = schema["$ref"].as_str();
    match name.and_then(|name| name.strip_prefix("#/$defs/")) {
        Some(name) => &root["$defs"][name],
        None => schema,
    }
}

fn kind(root: &Value, schema: &Value) -> String {
    let words = schema["enum"].as_array().into_iter().flatten();
    let words: Vec<&str> = words.filter_map(Value::as_str).collect();
    match (&schema["const"], &schema["type"]) {
        (Value::Null, _) if !words.is_empty() => words.join("|"),
        (Value::Null, Value::String(name)) => name.clone(),
        (Value::Null, Value::Array(names)) => {
            let names: Vec<&str> = names.iter().filter_map(Value::as_str).collect();
            names.join("|")
        }
        (Value::Null, _) => {
            let choices = ["anyOf", "oneOf"]
                .iter()
                .filter_map(|name| schema[name].as_array());
            let kinds = choices
                .flatten()
                .map(|choice| kind(root, resolved(root, choice)));
            kinds.collect::<Vec<_>>().join("|")
        }
        (constant, _) => constant.to_string(),
    }
}
