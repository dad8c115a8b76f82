//! Frames that no WebSocket library would send, byte by byte. Each is answered with a close frame that arrives.

use protocol::api::Role;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::harness::{Daemon, PATIENCE, until};

/// Sends a request and reads its answer, head and body.
pub(crate) async fn exchange(daemon: &Daemon, request: &[u8]) -> String {
    let mut stream = TcpStream::connect(daemon.authority()).await.unwrap();
    stream.write_all(request).await.unwrap();
    let reading = async {
        let head = read_head(&mut stream).await;
        let length = head.lines().find_map(|line| {
            line.to_lowercase()
                .strip_prefix("content-length: ")?
                .parse()
                .ok()
        });
        let mut body = vec![0; length.unwrap_or(0)];
        stream.read_exact(&mut body).await.unwrap();
        head + &String::from_utf8(body).unwrap()
    };
    tokio::time::timeout(PATIENCE, reading)
        .await
        .expect("no answer in time")
}

async fn read_head(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    String::from_utf8(head).unwrap()
}

/// A session on a bare socket, after the handshake.
async fn raw_session(daemon: &Daemon) -> TcpStream {
    raw_session_with(daemon, &[]).await
}

/// The same; these bytes are sent together with the handshake.
async fn raw_session_with(daemon: &Daemon, early: &[u8]) -> TcpStream {
    let token = daemon.token("user", Role::User);
    let mut stream = TcpStream::connect(daemon.authority()).await.unwrap();
    let request = format!(
        "GET /ws/updates?token={token} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    );
    let bytes = [request.as_bytes(), early].concat();
    stream.write_all(&bytes).await.unwrap();
    let head = read_head(&mut stream).await;
    assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
    assert!(
        head.to_lowercase()
            .contains("sec-websocket-accept: s3pplmbitxaq9kygzzhzrbk+xoo="),
        "{head}"
    );
    stream
}

/// One frame, masked with zeros.
fn frame(first_byte: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![first_byte];
    match payload.len() {
        length @ 0..126 => frame.push(0x80 | length as u8),
        length @ 126..65_536 => {
            frame.push(0x80 | 126);
            frame.extend_from_slice(&(length as u16).to_be_bytes());
        }
        length => {
            frame.push(0x80 | 127);
            frame.extend_from_slice(&(length as u64).to_be_bytes());
        }
    }
    frame.extend_from_slice(&[0; 4]);
    frame.extend_from_slice(payload);
    frame
}

/// Reads the daemon's frames to the end of the connection; opcode and payload of each.
async fn rest(mut stream: TcpStream) -> Vec<(u8, Vec<u8>)> {
    let reading = async {
        let mut frames = Vec::new();
        while let Ok(first) = stream.read_u8().await {
            let length = match stream.read_u8().await.unwrap() {
                126 => u64::from(stream.read_u16().await.unwrap()),
                127 => stream.read_u64().await.unwrap(),
                length => u64::from(length),
            };
            let mut payload = vec![0; length as usize];
            stream.read_exact(&mut payload).await.unwrap();
            frames.push((first & 0x0F, payload));
        }
        frames
    };
    tokio::time::timeout(PATIENCE, reading)
        .await
        .expect("the connection did not end")
}

fn close_code(frames: &[(u8, Vec<u8>)]) -> Option<u16> {
    let (_, payload) = frames.iter().find(|(opcode, _)| *opcode == 8)?;
    Some(u16::from_be_bytes([*payload.first()?, *payload.get(1)?]))
}

fn has_text(frames: &[(u8, Vec<u8>)], text: &str) -> bool {
    frames
        .iter()
        .any(|(opcode, payload)| *opcode == 1 && String::from_utf8_lossy(payload).contains(text))
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_websocket_ends_with_1002() {
    let daemon = Daemon::start().await;
    let mut cases: Vec<(String, Vec<u8>)> = vec![
        ("unmasked".into(), vec![0x81, 2, b'{', b'}']),
        ("a continuation of nothing".into(), frame(0x80, b"x")),
        (
            "a text inside a fragment".into(),
            [frame(0x01, b"{"), frame(0x81, b"}")].concat(),
        ),
        ("a fragmented ping".into(), frame(0x09, b"x")),
        ("a ping of 126 bytes".into(), frame(0x89, &[0; 126])),
        ("a close of one byte".into(), frame(0x88, &[3])),
        (
            "HTTP after the handshake".into(),
            b"GET / HTTP/1.1\r\nHost: x\r\n\r\n".to_vec(),
        ),
    ];
    for bit in [0x40, 0x20, 0x10] {
        cases.push((format!("reserved bit {bit:#x}"), frame(0x81 | bit, b"{}")));
    }
    for opcode in [3, 4, 5, 6, 7, 11, 12, 13, 14, 15] {
        cases.push((format!("opcode {opcode}"), frame(0x80 | opcode, b"{}")));
    }
    for code in [999_u16, 1005, 5000] {
        cases.push((
            format!("close code {code}"),
            frame(0x88, &code.to_be_bytes()),
        ));
    }
    for (name, bytes) in cases {
        let mut stream = raw_session(&daemon).await;
        stream.write_all(&bytes).await.unwrap();
        let frames = rest(stream).await;
        assert!(has_text(&frames, "WELCOME"), "{name}");
        assert_eq!(close_code(&frames), Some(1002), "{name}");
    }
    until("all sessions are gone", || {
        daemon.app().hub.connected_sessions() == 0
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_utf8_ends_with_1007() {
    let daemon = Daemon::start().await;
    for bytes in [frame(0x81, &[0xFF, 0xFE]), frame(0x88, &[3, 232, 0xFF])] {
        let mut stream = raw_session(&daemon).await;
        stream.write_all(&bytes).await.unwrap();
        assert_eq!(close_code(&rest(stream).await), Some(1007), "{bytes:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_over_the_limit_is_answered_and_ends_with_1009() {
    let daemon = Daemon::start().await;
    let part = vec![b' '; 30_000];
    let in_parts = [
        frame(0x01, &part),
        frame(0x00, &part),
        frame(0x00, &part),
        frame(0x80, &part),
    ]
    .concat();
    for bytes in [
        frame(0x81, &vec![b' '; 65_537]),
        frame(0x81, &vec![b' '; 1 << 20]),
        in_parts,
    ] {
        let mut stream = raw_session(&daemon).await;
        // The daemon need not take all of it.
        let _ = stream.write_all(&bytes).await;
        let frames = rest(stream).await;
        assert!(has_text(&frames, "MESSAGE_TOO_LARGE"));
        assert_eq!(close_code(&frames), Some(1009));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_goodbye_is_answered_with_its_own_code_and_then_the_connection_ends() {
    let daemon = Daemon::start().await;
    let mut stream = raw_session(&daemon).await;
    let bytes = [
        frame(0x88, &[3, 232, b'b', b'y', b'e']),
        frame(0x81, br#"{"type":"PING","data":{}}"#),
    ]
    .concat();
    stream.write_all(&bytes).await.unwrap();
    let frames = rest(stream).await;
    assert_eq!(close_code(&frames), Some(1000));
    assert!(!has_text(&frames, "HEARTBEAT"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_sent_right_behind_the_handshake_is_read() {
    let daemon = Daemon::start().await;
    let early = [
        frame(0x81, br#"{"type":"PING","data":{}}"#),
        frame(0x88, &[3, 232]),
    ]
    .concat();
    let frames = rest(raw_session_with(&daemon, &early).await).await;
    assert!(has_text(&frames, "HEARTBEAT"));
    assert_eq!(close_code(&frames), Some(1000));
}

#[tokio::test(flavor = "multi_thread")]
async fn pings_are_answered_also_between_the_parts_of_a_message() {
    let daemon = Daemon::start().await;
    let mut stream = raw_session(&daemon).await;
    let bytes = [
        frame(0x89, &[7; 125]),
        frame(0x01, br#"{"type":"PING","#),
        frame(0x89, b"x"),
        frame(0x80, br#""data":{}}"#),
        frame(0x88, &[3, 232]),
    ]
    .concat();
    stream.write_all(&bytes).await.unwrap();
    let frames = rest(stream).await;
    assert!(has_text(&frames, "HEARTBEAT"));
    assert!(frames.contains(&(10, b"x".to_vec())));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_pings_ends_the_session() {
    let daemon = Daemon::start().await;
    let mut stream = raw_session(&daemon).await;
    let _ = stream.write_all(&frame(0x89, b"").repeat(2000)).await;
    assert_eq!(close_code(&rest(stream).await), Some(1008));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_of_fragments_without_end_costs_the_session_and_nothing_else() {
    let daemon = Daemon::start().await;
    let mut stream = raw_session(&daemon).await;
    // No last one: only the count of them can end it.
    let bytes = [frame(0x01, b""), frame(0x00, b"").repeat(100_000)].concat();
    let _ = stream.write_all(&bytes).await;
    let frames = rest(stream).await;
    assert!(has_text(&frames, "MESSAGE_TOO_LARGE"));
    assert_eq!(close_code(&frames), Some(1009));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_of_64_kib_may_come_in_fragments_of_one_byte_each() {
    let daemon = Daemon::start().await;
    let mut stream = raw_session(&daemon).await;
    let ping = r#"{"type":"PING","data":{}}"#;
    let text = format!("{ping}{}", " ".repeat(65_536 - ping.len()));
    let (last, others) = text.as_bytes().split_last().unwrap();
    let mut bytes = frame(0x01, b"");
    for byte in others {
        bytes.extend(frame(0x00, &[*byte]));
    }
    bytes.extend(frame(0x80, &[*last]));
    bytes.extend(frame(0x81, text.as_bytes()));
    bytes.extend(frame(0x88, &[3, 232]));
    stream.write_all(&bytes).await.unwrap();
    let frames = rest(stream).await;
    let answers = frames.iter().filter(|(opcode, payload)| {
        *opcode == 1 && String::from_utf8_lossy(payload).contains("HEARTBEAT")
    });
    assert_eq!(answers.count(), 2, "in fragments, and in one frame");
    assert_eq!(close_code(&frames), Some(1000));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_that_vanishes_leaves_nothing_behind() {
    let daemon = Daemon::start().await;
    let stream = raw_session(&daemon).await;
    until("it is there", || daemon.app().hub.connected_sessions() == 1).await;
    drop(stream);
    until("it is gone", || daemon.app().hub.connected_sessions() == 0).await;
}
