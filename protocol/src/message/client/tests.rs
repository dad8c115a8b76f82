use proptest::prelude::*;

use super::*;

fn problems(text: &str) -> String {
    Envelope::parse(text).unwrap_err().to_string()
}

#[test]
fn every_bad_field_is_named_at_once() {
    let text =
        r#"{"type":"REGISTER","data":{"clientVersion":"2.0","clientId":"../x","architecture":5}}"#;
    let told = problems(text);
    for field in [
        "clientVersion: not a SemVer",
        "clientId: expected a client id",
        "platform: is missing",
        "architecture: invalid type",
    ] {
        assert!(told.contains(field), "{field:?} is not in {told:?}");
    }
}

#[test]
fn what_is_no_message_is_refused_with_its_reason() {
    for text in [
        "",
        " ",
        "null",
        "[]",
        "\"x\"",
        "5",
        "{",
        "{}",
        r#"{"type":5,"data":{}}"#,
        r#"{"type":"register","data":{}}"#,
    ] {
        assert!(Envelope::parse(text).is_err(), "{text}");
    }
    assert!(problems(r#"{"type":"PING"}"#).contains("data: is missing"));
    assert!(problems(r#"{"type":"PING","data":"x"}"#).contains("data: expected an object"));
    assert!(problems(r#"{"type":"FOO","data":{}}"#).contains("type: expected one of REGISTER"));
}

#[test]
fn numbers_are_asked_for_in_plain_words() {
    let text = r#"{"type":"DOWNLOAD_PROGRESS","data":{"version":"2.1.0","bytesDownloaded":-1,"totalBytes":"x"}}"#;
    assert_eq!(
        problems(text),
        "bytesDownloaded: invalid value: integer `-1`, expected a whole number; \
         totalBytes: invalid type: string \"x\", expected a whole number"
    );
}

#[test]
fn only_unwatch_needs_no_data() {
    let message = Envelope::parse(r#"{"type":"UNWATCH"}"#).unwrap().message;
    assert_eq!(message, ClientMessage::Unwatch {});
    for kind in ClientMessage::TYPES
        .iter()
        .filter(|kind| **kind != "UNWATCH")
    {
        let text = format!(r#"{{"type":"{kind}"}}"#);
        assert_eq!(problems(&text), "data: is missing");
    }
    assert!(Envelope::parse(r#"{"type":"UNWATCH","data":5}"#).is_err());
}

#[test]
fn unknown_fields_are_ignored() {
    let text = r#"{"type":"SUBSCRIBE","data":{"channel":"beta","colour":"red"},"more":1}"#;
    assert_eq!(
        Envelope::parse(text).unwrap().message,
        ClientMessage::Subscribe(Subscription {
            channel: "beta".parse().unwrap()
        })
    );
}

#[test]
fn an_id_is_kept_even_when_the_message_is_refused() {
    let refused = Envelope::parse(r#"{"type":"SUBSCRIBE","id":"m-1","data":{}}"#).unwrap_err();
    assert_eq!(refused.id.as_deref(), Some("m-1"));
    let long = "x".repeat(65);
    assert!(
        problems(&format!(r#"{{"type":"PING","id":"{long}","data":{{}}}}"#))
            .contains("id: expected a string of at most 64")
    );
    assert!(problems(r#"{"type":"PING","id":7,"data":{}}"#).contains("id:"));
    let none = Envelope::parse(r#"{"type":"PING","id":null,"data":{}}"#).unwrap();
    assert_eq!(none.id, None);
}

#[test]
fn a_download_report_needs_sane_numbers() {
    let report = |fields: &str| {
        Envelope::parse(&format!(
            r#"{{"type":"DOWNLOAD_PROGRESS","data":{{"version":"2.1.0",{fields}}}}}"#
        ))
    };
    assert!(
        report(r#""bytesDownloaded":11,"totalBytes":10"#)
            .unwrap_err()
            .to_string()
            .contains("at most totalBytes")
    );
    for fields in [
        r#""bytesDownloaded":-1,"totalBytes":10"#,
        r#""bytesDownloaded":1,"totalBytes":18446744073709551616"#,
        r#""bytesDownloaded":1,"totalBytes":9007199254740992"#,
        r#""bytesDownloaded":1.5,"totalBytes":10"#,
        r#""bytesDownloaded":1,"totalBytes":10,"progressPercentage":101"#,
    ] {
        assert!(report(fields).is_err(), "{fields}");
    }
    let Ok(Envelope {
        message: ClientMessage::DownloadProgress(read),
        ..
    }) = report(r#""bytesDownloaded":1,"totalBytes":3"#)
    else {
        panic!("refused");
    };
    assert_eq!(read.progress_percentage, 33);
}

#[test]
fn control_characters_are_refused_in_free_text() {
    let text = r#"{"type":"INSTALLATION_PROGRESS","data":{"version":"2.1.0","phase":"a\nb","progressPercentage":1,"currentOperation":"\u001b[31m"}}"#;
    let told = problems(text);
    assert!(
        told.contains("phase:") && told.contains("currentOperation:"),
        "{told}"
    );
    let text = r#"{"type":"REGISTER","data":{"clientVersion":"2.0.0","clientId":"a","platform":"x","architecture":"x","capabilities":["a\u0000"]}}"#;
    assert!(problems(text).starts_with("capabilities: "));
}

#[test]
fn what_a_client_writes_the_daemon_reads() {
    let sent = Envelope {
        id: Some("7".into()),
        message: ClientMessage::Register(Register {
            client_version: Version::new(2, 0, 0),
            client_id: "desktop-client-123".parse().unwrap(),
            platform: "windows".parse().unwrap(),
            architecture: "x64".parse().unwrap(),
            capabilities: vec![Capability::extended()],
        }),
    };
    assert_eq!(Envelope::parse(&sent.to_text()), Ok(sent));
    let unwatch = ClientMessage::Unwatch {};
    assert_eq!(
        Envelope::parse(&unwatch.to_text()).unwrap().message,
        unwatch
    );
}

proptest! {
    #[test]
    fn no_text_makes_the_reader_panic(text in ".{0,200}") {
        let _ = Envelope::parse(&text);
    }

    #[test]
    fn no_field_value_makes_the_reader_panic(kind in prop::sample::select(ClientMessage::TYPES), field in "[a-zA-Z]{1,20}", value in ".{0,40}") {
        let text = serde_json::json!({ "type": kind, "data": { field: value } }).to_string();
        let _ = Envelope::parse(&text);
    }
}
