//! Who gets in: the three ways to pass a token, what a role may do, and the tokens that are refused.

use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use protocol::Timestamp;
use protocol::api::paths;
use tests::{Daemon, Socket, Upload};

use crate::BINARIES;
use crate::jars::small_jar;

#[tokio::test]
async fn a_session_takes_its_token_from_any_of_the_three_places() {
    let daemon = Daemon::start(BINARIES);
    let token = daemon.admin_token();
    let bearer = format!("Bearer {token}");
    let plain = daemon.live_url();
    let in_query = format!("{plain}?token={token}");
    for (url, headers) in [
        (&in_query, vec![]),
        (&plain, vec![("Authorization", bearer.as_str())]),
        (&plain, vec![("X-Auth-Token", token.as_str())]),
    ] {
        let mut socket = Socket::try_open(url, &headers).await.unwrap();
        let welcome = socket.next_of("WELCOME").await;
        assert_eq!(welcome["data"]["heartbeatInterval"], 30000);
    }
    assert!(!daemon.story().contains(&token), "the token is in the log");
}

#[tokio::test]
async fn a_session_without_a_valid_token_is_refused_before_it_begins() {
    let daemon = Daemon::start(BINARIES);
    for url in [
        daemon.live_url(),
        format!("{}?token=nonsense", daemon.live_url()),
    ] {
        let refused = Socket::try_open(&url, &[]).await.unwrap_err();
        assert_eq!(refused.status, 401);
        assert_eq!(refused.body["success"], false);
        assert_eq!(refused.body["error"]["code"], "UNAUTHORIZED");
    }
}

#[tokio::test]
async fn http_takes_a_token_from_headers_but_never_from_the_url() {
    let daemon = Daemon::start(BINARIES);
    let token = daemon.admin_token();
    let anonymous = daemon.api_without_token();
    let with_header = anonymous
        .request(reqwest::Method::GET, paths::WHOAMI)
        .header("X-Auth-Token", &token);
    let who = tests::api::send(with_header).await.is(200).data();
    assert_eq!(
        (&who["username"], &who["role"]),
        (&json!("admin"), &json!("ADMIN"))
    );

    let in_url = format!("{}?token={token}", paths::WHOAMI);
    let answer = anonymous.get(&in_url).await;
    assert_eq!(answer.header("www-authenticate"), "Bearer");
    answer.is_refused(401, "UNAUTHORIZED");
    assert!(!daemon.story().contains(&token), "the token is in the log");
}

#[tokio::test]
async fn a_user_may_update_itself_but_publish_nothing() {
    let daemon = Daemon::start(BINARIES);
    let upload = Upload::new("1.0.0", small_jar("1.0.0"));
    let _ = daemon.api().publish(&upload).await.is(201);
    let _ = daemon
        .relctl(["user", "add", "jane", "--role", "USER"])
        .succeed();
    let token = daemon
        .relctl(["token", "create", "--user", "jane"])
        .succeed();
    let jane = daemon.api_as(token.trim());

    assert_eq!(jane.get(paths::WHOAMI).await.is(200).data()["role"], "USER");
    let _ = jane.check("0.9.0", "stable").await.is(200);
    let _ = jane.download("1.0.0").await.is(200);

    let newer = Upload::new("1.1.0", small_jar("1.1.0"));
    jane.publish(&newer).await.is_refused(403, "FORBIDDEN");
    for path in ["/versions", "/versions/1.0.0", "/statistics"] {
        let answer = jane.get(&format!("{}{path}", paths::ADMIN)).await;
        answer.is_refused(403, "FORBIDDEN");
    }
    jane.set_state("1.0.0", "INACTIVE")
        .await
        .is_refused(403, "FORBIDDEN");
    for path in ["/users", "/tokens"] {
        let answer = jane.get(&format!("{}{path}", paths::IDENTITY)).await;
        answer.is_refused(403, "FORBIDDEN");
    }
    let mut socket = Socket::open(&daemon, token.trim()).await;
    socket.send("WATCH", json!({})).await;
    let error = socket.next_of("ERROR").await;
    assert_eq!(error["data"]["code"], "FORBIDDEN");
}

#[tokio::test]
async fn a_publisher_may_publish_but_not_touch_users_and_tokens() {
    let daemon = Daemon::start(BINARIES);
    let _ = daemon
        .relctl(["user", "add", "ci", "--role", "PUBLISHER"])
        .succeed();
    let token = daemon.relctl(["token", "create", "--user", "ci"]).succeed();
    let ci = daemon.api_as(token.trim());

    let upload = Upload::new("1.0.0", small_jar("1.0.0"));
    let _ = ci.publish(&upload).await.is(201);
    let _ = ci
        .get(&format!("{}/statistics", paths::ADMIN))
        .await
        .is(200);
    for path in ["/users", "/tokens"] {
        let answer = ci.get(&format!("{}{path}", paths::IDENTITY)).await;
        answer.is_refused(403, "FORBIDDEN");
    }
    let new_user = json!({ "username": "mallory", "role": "ADMIN" });
    let answer = ci
        .post(&format!("{}/users", paths::IDENTITY), &new_user)
        .await;
    answer.is_refused(403, "FORBIDDEN");
}

#[tokio::test]
async fn a_token_signed_here_works_only_while_everything_about_it_holds() {
    let daemon = Daemon::start(BINARIES);
    let _ = daemon
        .relctl(["user", "add", "jane", "--role", "USER"])
        .succeed();
    let secret = secret(&daemon);
    let good = json!({ "sub": "jane", "exp": in_seconds(60) });

    let whoami = async |token: &str| daemon.api_as(token).get(paths::WHOAMI).await;
    let accepted = whoami(&signed(&good, &secret, Algorithm::HS256))
        .await
        .is(200);
    assert_eq!(accepted.data()["username"], "jane");

    let changed = |field: &str, value: Value| {
        let mut claims = good.clone();
        claims[field] = value;
        signed(&claims, &secret, Algorithm::HS256)
    };
    for (why, token) in [
        ("expired", changed("exp", json!(in_seconds(-60)))),
        ("without exp", changed("exp", Value::Null)),
        (
            "good for a century",
            changed("exp", json!(in_seconds(100 * 366 * 86400))),
        ),
        ("not yet valid", changed("nbf", json!(in_seconds(60)))),
        ("for an unknown user", changed("sub", json!("nobody"))),
        ("without sub", changed("sub", Value::Null)),
        (
            "signed with a foreign key",
            signed(&good, &[7; 32], Algorithm::HS256),
        ),
        (
            "of another algorithm",
            signed(&good, &secret, Algorithm::HS512),
        ),
        ("unsigned", unsigned(&good, "none")),
        ("unsigned, in capitals", unsigned(&good, "NONE")),
        ("unsigned, but said to be HS256", unsigned(&good, "HS256")),
        ("empty", String::new()),
        (
            "too long",
            format!(
                "{}{}",
                "a".repeat(9000),
                signed(&good, &secret, Algorithm::HS256)
            ),
        ),
    ] {
        let answer = whoami(&token).await;
        assert_eq!(answer.status, 401, "a token {why}: {}", answer.text());
        answer.is_refused(401, "UNAUTHORIZED");
        let headers = [("X-Auth-Token", token.as_str())];
        let refused = Socket::try_open(&daemon.live_url(), &headers).await;
        let status = refused.unwrap_err().status;
        assert_eq!(status, 401, "a session with a token {why}");
    }
}

#[tokio::test]
async fn a_claim_narrows_the_stored_role_and_never_widens_it() {
    let daemon = Daemon::start(BINARIES);
    let _ = daemon
        .relctl(["user", "add", "jane", "--role", "USER"])
        .succeed();
    let secret = secret(&daemon);
    for (user, claimed, granted) in [("jane", "ADMIN", "USER"), ("admin", "USER", "USER")] {
        let claims = json!({ "sub": user, "role": claimed, "exp": in_seconds(60) });
        let token = signed(&claims, &secret, Algorithm::HS256);
        let who = daemon
            .api_as(&token)
            .get(paths::WHOAMI)
            .await
            .is(200)
            .data();
        assert_eq!(who["role"], granted, "{user} claiming {claimed}");
    }
}

#[tokio::test]
async fn a_disabled_user_is_out_at_once_and_back_when_enabled() {
    let daemon = Daemon::start(BINARIES);
    let _ = daemon
        .relctl(["user", "add", "jane", "--role", "USER"])
        .succeed();
    let token = daemon
        .relctl(["token", "create", "--user", "jane"])
        .succeed();
    let jane = daemon.api_as(token.trim());
    let _ = jane.get(paths::WHOAMI).await.is(200);

    let _ = daemon.relctl(["user", "disable", "jane"]).succeed();
    jane.get(paths::WHOAMI)
        .await
        .is_refused(401, "UNAUTHORIZED");
    let enable = json!({ "enabled": true });
    let path = format!("{}/users/jane", paths::IDENTITY);
    let _ = daemon.api().patch(&path, &enable).await.is(200);
    let _ = jane.get(paths::WHOAMI).await.is(200);
}

#[tokio::test]
async fn a_revoked_token_is_refused_and_its_session_ends() {
    let daemon = Daemon::start(BINARIES);
    let _ = daemon
        .relctl(["user", "add", "jane", "--role", "USER"])
        .succeed();
    let new_token = json!({ "username": "jane", "ttlSeconds": 3600 });
    let path = format!("{}/tokens", paths::IDENTITY);
    let issued = daemon.api().post(&path, &new_token).await.is(201).data();
    let token = issued["token"].as_str().unwrap();
    let mut socket = Socket::open(&daemon, token).await;

    let id = issued["tokenId"].as_str().unwrap();
    let _ = daemon.api().delete(&format!("{path}/{id}")).await.is(200);

    let answer = daemon.api_as(token).get(paths::WHOAMI).await;
    answer.is_refused(401, "UNAUTHORIZED");
    let error = socket.next_of("ERROR").await;
    assert_eq!(error["data"]["code"], "AUTHENTICATION_FAILED");
    assert_eq!(socket.closed().await, 1008);
}

#[tokio::test]
async fn relctl_says_what_to_do_when_its_token_is_refused() {
    let daemon = Daemon::start(BINARIES);
    let finished = daemon
        .relctl(["whoami"])
        .token("nonsense")
        .run()
        .exits_with(4);
    assert!(finished.stderr.contains("token"), "{}", finished.story());
    assert_eq!(finished.stdout, "");
}

/// The daemon's signing secret.
fn secret(daemon: &Daemon) -> Vec<u8> {
    let path = daemon.data_dir().join("jwt.secret");
    std::fs::read(path).unwrap()
}

fn in_seconds(seconds: i64) -> i64 {
    Timestamp::now().unix_ms() / 1000 + seconds
}

fn signed(claims: &Value, secret: &[u8], algorithm: Algorithm) -> String {
    let mut claims = claims.clone();
    claims
        .as_object_mut()
        .unwrap()
        .retain(|_, value| !value.is_null());
    let key = EncodingKey::from_secret(secret);
    jsonwebtoken::encode(&Header::new(algorithm), &claims, &key).unwrap()
}

/// A token as an attacker makes it: no signature, and a header that asks for none to be checked.
fn unsigned(claims: &Value, algorithm: &str) -> String {
    let header = json!({ "alg": algorithm, "typ": "JWT" });
    let encode = |part: &Value| URL_SAFE_NO_PAD.encode(part.to_string());
    format!("{}.{}.", encode(&header), encode(claims))
}
