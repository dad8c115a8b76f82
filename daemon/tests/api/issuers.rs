//! Tokens that somebody else issues: the daemon has only public keys.

use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use daemon::app::{StartError, start};
use daemon::config::{Config, JwtAlgorithm};
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, crypto};
use protocol::Timestamp;
use serde_json::{Value, json};

use crate::harness::Daemon;

const WHOAMI: &str = "/api/v1/whoami";

/// Keys that were made for these tests and are used nowhere else.
fn key_path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/keys")
        .join(name)
}

fn private_key(algorithm: Algorithm) -> EncodingKey {
    let read = |name| std::fs::read(key_path(name)).expect("a key");
    let key = match algorithm {
        Algorithm::RS256 => EncodingKey::from_rsa_pem(&read("rsa.pem")),
        Algorithm::ES256 => EncodingKey::from_ec_pem(&read("p256.pem")),
        _ => EncodingKey::from_ed_pem(&read("ed25519.pem")),
    };
    key.expect("a private key")
}

fn token(algorithm: Algorithm, header: &Value, claims: &Value) -> String {
    let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let message = format!("{}.{}", encode(header), encode(claims));
    let signature =
        crypto::sign(message.as_bytes(), &private_key(algorithm), algorithm).expect("a signature");
    format!("{message}.{signature}")
}

fn claims() -> Value {
    json!({ "sub": "admin", "exp": Timestamp::now().unix_seconds() + 60, "jti": "from-elsewhere" })
}

#[tokio::test]
async fn a_public_key_accepts_what_its_private_one_signed_and_nothing_else() {
    for (configured, algorithm, file) in [
        (JwtAlgorithm::Rs256, Algorithm::RS256, "rsa.pub.pem"),
        (JwtAlgorithm::Es256, Algorithm::ES256, "p256.pub.pem"),
        (JwtAlgorithm::EdDsa, Algorithm::EdDSA, "ed25519.pub.pem"),
    ] {
        let daemon = Daemon::start_with(|config| {
            config.jwt.algorithm = configured;
            config.jwt.public_key_file = Some(key_path(file));
        })
        .await;
        assert!(!daemon.folder.path().join("jwt.secret").exists());
        assert!(!daemon.folder.path().join("admin.token").exists());
        let header = json!({ "alg": configured.name(), "kid": "any" });
        let good = token(algorithm, &header, &claims());
        assert_eq!(
            daemon.get_as(&good, WHOAMI).await.data()["role"],
            "ADMIN",
            "{configured:?}"
        );

        // The public key as a secret is the oldest trick of all.
        let public = std::fs::read(key_path(file)).expect("a key");
        let message = good.rsplit_once('.').expect("a token").0;
        let payload = message.split_once('.').expect("two parts").1;
        let confused = format!("{}.{payload}", URL_SAFE_NO_PAD.encode(r#"{"alg":"HS256"}"#));
        let secret = EncodingKey::from_secret(&public);
        let signature =
            crypto::sign(confused.as_bytes(), &secret, Algorithm::HS256).expect("a signature");
        daemon
            .get_as(&format!("{confused}.{signature}"), WHOAMI)
            .await
            .refused(401, "UNAUTHORIZED");
        let relabelled =
            crypto::sign(message.as_bytes(), &secret, Algorithm::HS256).expect("a signature");
        daemon
            .get_as(&format!("{message}.{relabelled}"), WHOAMI)
            .await
            .refused(401, "UNAUTHORIZED");
        let unsigned = format!("{}.{payload}.", URL_SAFE_NO_PAD.encode(r#"{"alg":"none"}"#));
        daemon
            .get_as(&unsigned, WHOAMI)
            .await
            .refused(401, "UNAUTHORIZED");

        let wanted = json!({ "username": "admin", "ttlSeconds": 60 });
        let issue = daemon
            .request_as(&good, reqwest::Method::POST, "/api/v1/admin/tokens")
            .json(&wanted);
        crate::harness::send(issue).await.refused(409, "CONFLICT");
    }
}

#[tokio::test]
async fn a_key_set_may_hold_keys_of_many_kinds_and_only_the_configured_ones_count() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let set_path = folder.path().join("keys.json");
    let jwk = |algorithm, id: &str| {
        let mut key =
            Jwk::from_encoding_key(&private_key(algorithm), algorithm).expect("a public key");
        key.common.key_id = Some(id.to_owned());
        serde_json::to_value(key).expect("JSON")
    };
    let set = json!({ "keys": [jwk(Algorithm::RS256, "r"), jwk(Algorithm::ES256, "e"), jwk(Algorithm::EdDSA, "d")] });
    std::fs::write(&set_path, set.to_string()).expect("a file");
    let daemon = Daemon::start_with(|config| {
        config.jwt.algorithm = JwtAlgorithm::Es256;
        config.jwt.jwks_file = Some(set_path);
    })
    .await;
    for header in [
        json!({ "alg": "ES256", "kid": "e" }),
        json!({ "alg": "ES256" }),
    ] {
        let token = token(Algorithm::ES256, &header, &claims());
        assert_eq!(daemon.get_as(&token, WHOAMI).await.status, 200, "{header}");
    }
    for (algorithm, header) in [
        (
            Algorithm::ES256,
            json!({ "alg": "ES256", "kid": "unknown" }),
        ),
        (Algorithm::ES256, json!({ "alg": "ES256", "kid": "r" })),
        (Algorithm::RS256, json!({ "alg": "RS256", "kid": "r" })),
        (Algorithm::EdDSA, json!({ "alg": "EdDSA", "kid": "d" })),
        (Algorithm::EdDSA, json!({ "alg": "ES256", "kid": "d" })),
    ] {
        let token = token(algorithm, &header, &claims());
        daemon
            .get_as(&token, WHOAMI)
            .await
            .refused(401, "UNAUTHORIZED");
    }
}

#[tokio::test]
async fn a_file_without_a_fitting_key_stops_the_start() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let empty_set = folder.path().join("keys.json");
    std::fs::write(&empty_set, r#"{"keys":[]}"#).expect("a file");
    let config = |algorithm, pem: Option<PathBuf>, set: Option<PathBuf>| {
        let mut config = Config::with_defaults(folder.path().join("data"));
        config.listen = ([127, 0, 0, 1], 0).into();
        config.jwt.algorithm = algorithm;
        config.jwt.public_key_file = pem;
        config.jwt.jwks_file = set;
        config
    };
    let short_secret = folder.path().join("short.secret");
    std::fs::write(&short_secret, "not shown").expect("a file");
    let private = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    std::fs::set_permissions(&short_secret, private).expect("a mode");
    let mut with_secret = config(JwtAlgorithm::Hs256, None, None);
    with_secret.jwt.secret_file = Some(short_secret);
    let pem = "jwt.public-key-file";
    let set = "jwt.jwks-file";
    for (config, key, file) in [
        (
            config(JwtAlgorithm::Rs256, Some(key_path("p256.pub.pem")), None),
            pem,
            "p256.pub.pem",
        ),
        (
            config(JwtAlgorithm::Es256, Some(key_path("ed25519.pub.pem")), None),
            pem,
            "ed25519.pub.pem",
        ),
        (
            config(JwtAlgorithm::EdDsa, Some(key_path("missing.pem")), None),
            pem,
            "missing.pem",
        ),
        (
            config(JwtAlgorithm::EdDsa, None, Some(empty_set.clone())),
            set,
            "keys.json",
        ),
        (
            config(JwtAlgorithm::EdDsa, None, Some(key_path("rsa.pub.pem"))),
            set,
            "rsa.pub.pem",
        ),
        (
            config(JwtAlgorithm::EdDsa, None, Some(key_path("missing.json"))),
            set,
            "missing.json",
        ),
        (with_secret, "jwt.secret-file", "short.secret"),
    ] {
        let error = start(config).await.expect_err("no start");
        assert!(matches!(error, StartError::KeyFile { .. }), "{error}");
        assert_eq!(error.exit_code(), 78);
        let told = error.to_string();
        assert!(told.starts_with(&format!("{key}: /")), "{told}");
        assert_eq!(told.matches(file).count(), 1, "{told}");
        assert!(!told.contains("not shown"), "{told}");
    }
}
