//! RFC 6455 frame by frame, on `/ws-echo`: each fault is answered with a goodbye that arrives, and the end is in order.

use crate::harness::Server;
use crate::harness::websocket::{BINARY, CLOSE, CONTINUATION, FIN, PING, PONG, Peer, TEXT, frame};

async fn open(server: &Server) -> Peer {
    Peer::open(server.address, "/ws-echo").await
}

/// A peer whose frames end the connection with this code.
async fn assert_fault(server: &Server, frames: &[(u8, &[u8])], code: u16) {
    let mut peer = open(server).await;
    let bytes: Vec<u8> = frames
        .iter()
        .flat_map(|(first, payload)| frame(*first, payload))
        .collect();
    peer.write_bytes(&bytes).await;
    assert_eq!(peer.close_frame().await.0, code, "{frames:?}");
    assert_eq!(peer.read().await, None, "{frames:?}");
}

#[tokio::test]
async fn texts_and_bytes_of_all_lengths_come_back_verbatim() {
    let server = Server::start().await;
    let mut peer = open(&server).await;
    for length in [0, 1, 125, 126, 127, 128, 65_535, 65_536, 70_000] {
        let payload = vec![b'*'; length];
        peer.write(FIN | TEXT, &payload).await;
        assert_eq!(peer.read().await, Some((FIN | TEXT, payload)));
        let payload = vec![0xfe; length];
        peer.write(FIN | BINARY, &payload).await;
        assert_eq!(peer.read().await, Some((FIN | BINARY, payload)));
    }
}

#[tokio::test]
async fn a_message_of_16_mib_comes_back_and_a_larger_one_is_refused() {
    let server = Server::start().await;
    let mut peer = open(&server).await;
    let payload = vec![b'x'; 16 * 1024 * 1024];
    peer.write(FIN | BINARY, &payload).await;
    let (first, echoed) = peer.read().await.unwrap();
    assert!(first == FIN | BINARY && echoed == payload);

    // The length alone is enough to refuse it.
    let mut peer = open(&server).await;
    let head = [
        &[FIN | BINARY, 0x80 | 127][..],
        &(16 * 1024 * 1024 + 1_u64).to_be_bytes(),
        &[0; 4],
    ];
    peer.write_bytes(&head.concat()).await;
    assert_eq!(peer.close_frame().await.0, 1009);
    assert_eq!(peer.read().await, None);
}

#[tokio::test]
async fn fragments_are_put_together_and_control_frames_come_between() {
    let server = Server::start().await;
    let mut peer = open(&server).await;
    peer.write(TEXT, b"one ").await;
    peer.write(FIN | PING, b"between").await;
    peer.write(CONTINUATION, b"").await;
    peer.write(CONTINUATION, "zwei \u{20ac}".as_bytes()).await;
    peer.write(FIN | CONTINUATION, b" three").await;
    assert_eq!(peer.read().await, Some((FIN | PONG, b"between".to_vec())));
    assert_eq!(peer.text().await, "one zwei \u{20ac} three");
}

#[tokio::test]
async fn a_character_may_be_split_between_fragments() {
    let server = Server::start().await;
    let mut peer = open(&server).await;
    let euro = "\u{20ac}".as_bytes();
    peer.write(TEXT, &euro[..1]).await;
    peer.write(CONTINUATION, &euro[1..2]).await;
    peer.write(FIN | CONTINUATION, &euro[2..]).await;
    assert_eq!(peer.text().await, "\u{20ac}");
}

#[tokio::test]
async fn bytes_sent_one_by_one_make_a_frame() {
    let server = Server::start().await;
    let mut peer = open(&server).await;
    for byte in frame(FIN | TEXT, b"slowly") {
        peer.write_bytes(&[byte]).await;
    }
    assert_eq!(peer.text().await, "slowly");
}

#[tokio::test]
async fn pings_are_answered_with_what_they_carry() {
    let server = Server::start().await;
    let mut peer = open(&server).await;
    for payload in [&b""[..], b"hello", &[0xff; 125]] {
        peer.write(FIN | PING, payload).await;
        assert_eq!(peer.read().await, Some((FIN | PONG, payload.to_vec())));
    }
    peer.write(FIN | PONG, b"unasked").await;
    peer.send("still there").await;
    assert_eq!(peer.text().await, "still there");
}

#[tokio::test]
async fn control_frames_are_short_and_whole() {
    let server = Server::start().await;
    for opcode in [PING, PONG, CLOSE] {
        assert_fault(&server, &[(FIN | opcode, &[0; 126])], 1002).await;
        assert_fault(&server, &[(opcode, b"")], 1002).await;
    }
}

#[tokio::test]
async fn reserved_bits_and_opcodes_are_refused() {
    let server = Server::start().await;
    for reserved in [0x40, 0x20, 0x10, 0x70] {
        assert_fault(&server, &[(FIN | reserved | TEXT, b"x")], 1002).await;
        assert_fault(&server, &[(FIN | reserved | PING, b"x")], 1002).await;
    }
    for opcode in [0x3, 0x4, 0x5, 0x6, 0x7, 0xb, 0xc, 0xd, 0xe, 0xf] {
        assert_fault(&server, &[(FIN | opcode, b"x")], 1002).await;
    }
}

#[tokio::test]
async fn fragments_have_an_order() {
    let server = Server::start().await;
    assert_fault(&server, &[(FIN | CONTINUATION, b"x")], 1002).await;
    assert_fault(&server, &[(CONTINUATION, b"x"), (FIN | TEXT, b"y")], 1002).await;
    assert_fault(&server, &[(TEXT, b"x"), (FIN | TEXT, b"y")], 1002).await;
    assert_fault(&server, &[(TEXT, b"x"), (FIN | BINARY, b"y")], 1002).await;
}

#[tokio::test]
async fn frames_of_a_client_are_masked() {
    let server = Server::start().await;
    let mut peer = open(&server).await;
    peer.write_bytes(&[FIN | TEXT, 1, b'x']).await;
    assert_eq!(peer.close_frame().await.0, 1002);
    assert_eq!(peer.read().await, None);
}

#[tokio::test]
async fn texts_are_utf_8() {
    let server = Server::start().await;
    for invalid in [
        &b"\xff"[..],
        b"\xc3",
        b"\xc0\xaf",
        b"\xed\xa0\x80",
        b"\xf4\x90\x80\x80",
        b"fine \xce\xba\xe1\xbd\xb9\xcf\x83\xed\xa0\x80 not",
    ] {
        assert_fault(&server, &[(FIN | TEXT, invalid)], 1007).await;
        let frames = [(TEXT, &b"a"[..]), (FIN | CONTINUATION, invalid)];
        assert_fault(&server, &frames, 1007).await;
    }
}

#[tokio::test]
async fn a_goodbye_is_answered_with_its_code() {
    let server = Server::start().await;
    for code in [
        1000_u16, 1001, 1002, 1003, 1007, 1011, 3000, 3999, 4000, 4999,
    ] {
        let mut peer = open(&server).await;
        let payload = [&code.to_be_bytes()[..], "bye \u{20ac}".as_bytes()].concat();
        peer.write(FIN | CLOSE, &payload).await;
        assert_eq!(peer.close_frame().await.0, code);
        assert_eq!(peer.read().await, None);
    }
}

#[tokio::test]
async fn a_goodbye_without_a_code_is_answered() {
    let server = Server::start().await;
    let mut peer = open(&server).await;
    peer.write(FIN | CLOSE, b"").await;
    let (first, _) = peer.read().await.unwrap();
    assert_eq!(first, FIN | CLOSE);
    assert_eq!(peer.read().await, None);
}

#[tokio::test]
async fn a_goodbye_has_a_valid_code_and_reason() {
    let server = Server::start().await;
    for code in [
        0_u16, 999, 1004, 1005, 1006, 1016, 1100, 2000, 2999, 5000, 65_535,
    ] {
        assert_fault(&server, &[(FIN | CLOSE, &code.to_be_bytes())], 1002).await;
    }
    assert_fault(&server, &[(FIN | CLOSE, b"\x03")], 1002).await;
    assert_fault(&server, &[(FIN | CLOSE, b"\x03\xe8\xff")], 1007).await;
}

#[tokio::test]
async fn after_a_goodbye_nothing_is_answered() {
    let server = Server::start().await;
    let mut peer = open(&server).await;
    let bytes = [
        frame(FIN | CLOSE, &1000_u16.to_be_bytes()),
        frame(FIN | PING, b"late"),
        frame(FIN | TEXT, b"late"),
    ];
    peer.write_bytes(&bytes.concat()).await;
    assert_eq!(peer.close_frame().await.0, 1000);
    assert_eq!(peer.read().await, None);
}
