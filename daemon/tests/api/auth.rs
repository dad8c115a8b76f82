//! Tokens: which are accepted, from where, and what they are worth (contract section 2).

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, crypto};
use protocol::Timestamp;
use reqwest::header::AUTHORIZATION;
use serde_json::json;

use crate::harness::{Answer, Daemon, send};

const WHOAMI: &str = "/api/v1/whoami";
const HEADER: &str = r#"{"alg":"HS256","typ":"JWT"}"#;

/// Signs exactly these texts.
fn signed(header: &str, payload: &str, secret: &[u8], algorithm: Algorithm) -> String {
    let message = format!(
        "{}.{}",
        URL_SAFE_NO_PAD.encode(header),
        URL_SAFE_NO_PAD.encode(payload)
    );
    let key = EncodingKey::from_secret(secret);
    let signature = crypto::sign(message.as_bytes(), &key, algorithm).expect("a signature");
    format!("{message}.{signature}")
}

struct Signer(Vec<u8>);

impl Signer {
    fn of(daemon: &Daemon) -> Self {
        Self(std::fs::read(daemon.folder.path().join("jwt.secret")).expect("a secret"))
    }

    fn with_header(&self, header: &str) -> String {
        let payload = json!({ "sub": "admin", "exp": now() + 3600 }).to_string();
        signed(header, &payload, &self.0, Algorithm::HS256)
    }

    fn with_payload(&self, payload: &str) -> String {
        signed(HEADER, payload, &self.0, Algorithm::HS256)
    }

    fn with_claims(&self, claims: &serde_json::Value) -> String {
        self.with_payload(&claims.to_string())
    }
}

fn now() -> i64 {
    Timestamp::now().unix_seconds()
}

async fn whoami(daemon: &Daemon, token: &str) -> Answer {
    daemon.get_as(token, WHOAMI).await
}

#[tokio::test]
async fn a_refusal_names_the_scheme_and_never_the_token() {
    let daemon = Daemon::start().await;
    let answer = send(daemon.http.get(daemon.url(WHOAMI))).await;
    answer.refused(401, "UNAUTHORIZED");
    assert_eq!(answer.header("www-authenticate"), "Bearer");
    let token = format!("{}x", daemon.admin);
    let answer = whoami(&daemon, &token).await;
    let message = answer.refused(401, "UNAUTHORIZED");
    assert!(!message.contains(&token[..20]), "{message}");
}

#[tokio::test]
async fn the_first_source_of_a_token_wins_and_a_url_is_none_here() {
    let daemon = Daemon::start().await;
    let admin = daemon.admin.as_str();
    let get = || daemon.http.get(daemon.url(WHOAMI));
    for authorization in [
        format!("Bearer {admin}"),
        format!("bearer {admin}"),
        format!("BEARER  {admin}"),
    ] {
        assert_eq!(
            send(get().header(AUTHORIZATION, &authorization))
                .await
                .status,
            200,
            "{authorization}"
        );
    }
    assert_eq!(send(get().header("x-auth-token", admin)).await.status, 200);
    let both = get()
        .header(AUTHORIZATION, "Bearer wrong")
        .header("x-auth-token", admin);
    send(both).await.refused(401, "UNAUTHORIZED");
    for authorization in [
        "Bearer",
        "Bearer ",
        "Basic YWRtaW46",
        admin,
        &format!("Bearer\t{admin}"),
        &format!("Bearer {admin} x"),
    ] {
        send(get().header(AUTHORIZATION, authorization))
            .await
            .refused(401, "UNAUTHORIZED");
    }
    let in_url = daemon
        .http
        .get(daemon.url(&format!("{WHOAMI}?token={admin}")));
    send(in_url).await.refused(401, "UNAUTHORIZED");
}

#[tokio::test]
async fn only_the_configured_algorithm_and_key_sign_tokens() {
    let daemon = Daemon::start().await;
    let signer = Signer::of(&daemon);
    assert_eq!(
        whoami(&daemon, &signer.with_header(HEADER)).await.status,
        200
    );
    for header in [
        r#"{"alg":"HS256"}"#,
        r#"{"alg":"HS256","typ":"at+jwt"}"#,
        r#"{"alg":"HS256","kid":"../../etc/passwd"}"#,
        r#"{"alg":"HS256","jku":"http://127.0.0.1:1/keys"}"#,
    ] {
        assert_eq!(
            whoami(&daemon, &signer.with_header(header)).await.status,
            200,
            "{header}"
        );
    }
    for header in [
        r#"{"alg":"none"}"#,
        r#"{"alg":"None"}"#,
        r#"{"alg":"HS384"}"#,
        r#"{"alg":"RS256"}"#,
        r#"{"alg":"hs256"}"#,
        r#"{"alg":null}"#,
        r#"{"alg":["HS256"]}"#,
        r#"{"typ":"JWT"}"#,
        r#"{"alg":"none","alg":"HS256"}"#,
        r#"{"alg":"HS256","alg":"none"}"#,
        r#"{"alg":"HS256","crit":["exp"]}"#,
        r#"{"alg":"HS256","crit":["b64"]}"#,
        r#"{"alg":"HS256","crit":[]}"#,
        r#"{"alg":"HS256","crit":null}"#,
        r#"["HS256"]"#,
        "nonsense",
    ] {
        whoami(&daemon, &signer.with_header(header))
            .await
            .refused(401, "UNAUTHORIZED");
    }
    let payload = json!({ "sub": "admin", "exp": now() + 3600 }).to_string();
    let other = [
        b"another secret of thirty-two bytes".to_vec(),
        b"x".to_vec(),
        hex::decode(&signer.0).unwrap(),
    ];
    for secret in other {
        whoami(
            &daemon,
            &signed(HEADER, &payload, &secret, Algorithm::HS256),
        )
        .await
        .refused(401, "UNAUTHORIZED");
    }
    for algorithm in [Algorithm::HS384, Algorithm::HS512] {
        let header = format!(r#"{{"alg":"{algorithm:?}"}}"#);
        whoami(&daemon, &signed(&header, &payload, &signer.0, algorithm))
            .await
            .refused(401, "UNAUTHORIZED");
    }
}

#[tokio::test]
async fn a_token_that_was_changed_anywhere_is_refused() {
    let daemon = Daemon::start().await;
    let token = daemon.admin.clone();
    let parts: Vec<&str> = token.split('.').collect();
    let [header, payload, signature] = parts[..] else {
        panic!("three parts")
    };
    let raw_signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
    let empty_header = URL_SAFE_NO_PAD.encode(r#"{"alg":"none"}"#);
    for changed in [
        format!("{header}.{payload}"),
        format!("{header}.{payload}."),
        format!("{empty_header}.{payload}."),
        format!("{header}.{payload}.{}", &signature[..signature.len() - 1]),
        format!("{header}.{payload}.{signature}="),
        format!(
            "{header}.{payload}.{}",
            STANDARD.encode([&raw_signature[..], &[0xff]].concat())
        ),
        format!("{header}.{payload}.{signature}.x"),
        format!("{header}.{payload}.{signature}.x.y"),
        format!(".{payload}.{signature}"),
        format!("{header}..{signature}"),
        "...".to_owned(),
        "x".to_owned(),
        format!("{header}. {payload}.{signature}"),
        format!(
            "{header}.{}.{signature}",
            URL_SAFE_NO_PAD.encode(r#"{"sub":"admin","exp":9999999999}"#)
        ),
    ] {
        whoami(&daemon, &changed).await.refused(401, "UNAUTHORIZED");
    }
}

#[tokio::test]
async fn times_are_required_to_be_sane() {
    let daemon = Daemon::start().await;
    let signer = Signer::of(&daemon);
    let now = now();
    let year = 366 * 24 * 3600;
    for claims in [
        json!({ "sub": "admin", "exp": now + 60 }),
        json!({ "sub": "admin", "exp": now as f64 + 60.5 }),
        json!({ "sub": "admin", "exp": now - 2 }),
        json!({ "sub": "admin", "exp": now + 60, "nbf": now + 2, "iat": now + 2 }),
        json!({ "sub": "admin", "exp": now + 9 * year }),
    ] {
        assert_eq!(
            whoami(&daemon, &signer.with_claims(&claims)).await.status,
            200,
            "{claims}"
        );
    }
    for claims in [
        json!({ "sub": "admin" }),
        json!({ "sub": "admin", "exp": now - 3600 }),
        json!({ "sub": "admin", "exp": now - 10 }),
        json!({ "sub": "admin", "exp": 0 }),
        json!({ "sub": "admin", "exp": -1 }),
        json!({ "sub": "admin", "exp": null }),
        json!({ "sub": "admin", "exp": (now + 60).to_string() }),
        json!({ "sub": "admin", "exp": [now + 60] }),
        json!({ "sub": "admin", "exp": u64::MAX }),
        json!({ "sub": "admin", "exp": now + 11 * year }),
        json!({ "sub": "admin", "exp": (now + 60) * 1000 }),
        json!({ "sub": "admin", "exp": now + 60, "nbf": now + 30 }),
        json!({ "sub": "admin", "exp": now + 60, "nbf": "now" }),
        json!({ "sub": "admin", "exp": now + 7200, "iat": now + 3600 }),
    ] {
        whoami(&daemon, &signer.with_claims(&claims))
            .await
            .refused(401, "UNAUTHORIZED");
    }
    for payload in [
        r#"{"sub":"admin","exp":1e400}"#.to_owned(),
        format!(r#"{{"sub":"admin","exp":{},"exp":{}}}"#, now - 10, now + 60),
        format!(r#"{{"sub":"nobody","sub":"admin","exp":{}}}"#, now + 60),
        format!(r#"["admin",{}]"#, now + 60),
    ] {
        whoami(&daemon, &signer.with_payload(&payload))
            .await
            .refused(401, "UNAUTHORIZED");
    }
}

#[tokio::test]
async fn a_token_names_a_user_that_exists_and_is_enabled() {
    let daemon = Daemon::start().await;
    let signer = Signer::of(&daemon);
    let exp = now() + 60;
    for sub in [
        json!("nobody"),
        json!(""),
        json!(7),
        json!(null),
        json!("x".repeat(300)),
        json!("a\r\nb"),
        json!(["admin"]),
    ] {
        whoami(
            &daemon,
            &signer.with_claims(&json!({ "sub": sub, "exp": exp })),
        )
        .await
        .refused(401, "UNAUTHORIZED");
    }
    whoami(&daemon, &signer.with_claims(&json!({ "exp": exp })))
        .await
        .refused(401, "UNAUTHORIZED");

    let jane = daemon.token_of("jane", "USER").await;
    assert_eq!(whoami(&daemon, &jane).await.status, 200);
    let path = "/api/v1/admin/users/jane";
    daemon
        .patch(path, &json!({ "enabled": false }))
        .await
        .data();
    let disabled = whoami(&daemon, &jane).await.refused(401, "UNAUTHORIZED");
    let unknown = signer.with_claims(&json!({ "sub": "nobody", "exp": exp }));
    assert_eq!(
        whoami(&daemon, &unknown).await.refused(401, "UNAUTHORIZED"),
        disabled,
        "nothing tells which it is"
    );
    daemon.patch(path, &json!({ "enabled": true })).await.data();
    assert_eq!(whoami(&daemon, &jane).await.status, 200);
}

#[tokio::test]
async fn the_stored_role_decides_and_a_claim_can_only_narrow_it() {
    let daemon = Daemon::start().await;
    daemon.token_of("jane", "USER").await;
    let signer = Signer::of(&daemon);
    let exp = now() + 60;
    for (sub, role, roles, expected) in [
        ("admin", json!(null), json!(null), "ADMIN"),
        ("admin", json!("USER"), json!(null), "USER"),
        ("admin", json!("ROLE_PUBLISHER"), json!(null), "PUBLISHER"),
        (
            "admin",
            json!(null),
            json!(["USER", "PUBLISHER"]),
            "PUBLISHER",
        ),
        ("admin", json!("ADMIN"), json!(["USER"]), "USER"),
        ("admin", json!("SUPERUSER"), json!(null), "USER"),
        ("admin", json!(null), json!([]), "USER"),
        ("jane", json!("ADMIN"), json!(["ADMIN"]), "USER"),
    ] {
        let claims = json!({ "sub": sub, "exp": exp, "role": role, "roles": roles });
        let answer = whoami(&daemon, &signer.with_claims(&claims)).await.data();
        assert_eq!(answer["role"], expected, "{claims}");
    }
    let wrong_type = json!({ "sub": "admin", "exp": exp, "role": 5 });
    whoami(&daemon, &signer.with_claims(&wrong_type))
        .await
        .refused(401, "UNAUTHORIZED");
}

#[tokio::test]
async fn a_token_is_at_most_8_kib_and_its_depth_costs_nothing() {
    let daemon = Daemon::start().await;
    let signer = Signer::of(&daemon);
    let claims = |filler: String| json!({ "sub": "admin", "exp": now() + 60, "x": filler });
    assert_eq!(
        whoami(&daemon, &signer.with_claims(&claims("x".repeat(4000))))
            .await
            .status,
        200
    );
    whoami(&daemon, &signer.with_claims(&claims("x".repeat(8000))))
        .await
        .refused(401, "UNAUTHORIZED");
    let deep = format!(
        r#"{{"sub":"admin","exp":{},"x":{}1{}}}"#,
        now() + 60,
        "[".repeat(2500),
        "]".repeat(2500)
    );
    let status = whoami(&daemon, &signer.with_payload(&deep))
        .await
        .status
        .as_u16();
    assert!(matches!(status, 200 | 401), "{status}");
}

#[tokio::test]
async fn issuer_and_audience_are_compared_when_they_are_configured() {
    let daemon = Daemon::start().await;
    let signer = Signer::of(&daemon);
    let exp = now() + 60;
    let foreign = json!({ "sub": "admin", "exp": exp, "aud": "another service" });
    whoami(&daemon, &signer.with_claims(&foreign))
        .await
        .refused(401, "UNAUTHORIZED");

    let daemon = Daemon::start_with(|config| {
        config.jwt.issuer = Some("https://id.example".into());
        config.jwt.audience = Some("relctl".into());
    })
    .await;
    let signer = Signer::of(&daemon);
    assert_eq!(
        whoami(&daemon, &daemon.admin).await.status,
        200,
        "our own tokens carry both"
    );
    let claims = |iss: &str, aud: serde_json::Value| json!({ "sub": "admin", "exp": exp, "iss": iss, "aud": aud });
    let good = claims("https://id.example", json!(["x", "relctl"]));
    assert_eq!(
        whoami(&daemon, &signer.with_claims(&good)).await.status,
        200
    );
    for bad in [
        claims("https://evil.example", json!("relctl")),
        claims("https://id.example", json!("other")),
        json!({ "sub": "admin", "exp": exp, "iss": "https://id.example" }),
        json!({ "sub": "admin", "exp": exp, "aud": "relctl" }),
    ] {
        whoami(&daemon, &signer.with_claims(&bad))
            .await
            .refused(401, "UNAUTHORIZED");
    }
}
