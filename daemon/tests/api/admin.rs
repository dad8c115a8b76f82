//! Users, tokens, statistics, probes.

use reqwest::Method;
use serde_json::json;

use crate::harness::{Daemon, send};

const USERS: &str = "/api/v1/admin/users";
const TOKENS: &str = "/api/v1/admin/tokens";

#[tokio::test]
async fn the_first_start_makes_an_administrator_and_tells_only_the_data_folder() {
    use std::os::unix::fs::PermissionsExt;
    let daemon = Daemon::start().await;
    let whoami = daemon.get("/api/v1/whoami").await.data();
    assert_eq!(
        (&whoami["username"], &whoami["role"]),
        (&json!("admin"), &json!("ADMIN"))
    );
    for file in ["jwt.secret", "admin.token"] {
        let metadata = std::fs::metadata(daemon.folder.path().join(file)).unwrap();
        assert_eq!(metadata.permissions().mode() & 0o777, 0o600, "{file}");
    }
}

#[tokio::test]
async fn a_missing_admin_token_is_not_made_again() {
    let mut daemon = Daemon::start().await;
    let path = daemon.folder.path().join("admin.token");
    std::fs::remove_file(&path).unwrap();
    daemon.restart().await;
    assert!(!path.exists());
    assert_eq!(
        daemon.get("/api/v1/whoami").await.status,
        200,
        "the token itself still counts"
    );
}

#[tokio::test]
async fn users_are_added_listed_and_changed() {
    let daemon = Daemon::start().await;
    let added = daemon
        .post(USERS, &json!({ "username": "ci", "role": "PUBLISHER" }))
        .await;
    assert_eq!(added.status, 201);
    assert_eq!(
        (&added.data()["role"], &added.data()["enabled"]),
        (&json!("PUBLISHER"), &json!(true))
    );
    daemon
        .post(USERS, &json!({ "username": "ci", "role": "USER" }))
        .await
        .refused(409, "CONFLICT");
    let list = daemon.get(USERS).await.data();
    assert_eq!(
        (
            &list["content"][0]["username"],
            &list["content"][1]["username"]
        ),
        (&json!("admin"), &json!("ci"))
    );
    let changed = daemon
        .patch(
            &format!("{USERS}/ci"),
            &json!({ "role": "USER", "enabled": false }),
        )
        .await
        .data();
    assert_eq!(
        (&changed["role"], &changed["enabled"]),
        (&json!("USER"), &json!(false))
    );

    for body in [
        json!({ "username": "../x", "role": "USER" }),
        json!({ "username": "x", "role": "ROOT" }),
        json!({ "username": "x" }),
        json!(["x", "USER"]),
    ] {
        daemon
            .post(USERS, &body)
            .await
            .refused(400, "INVALID_REQUEST");
    }
    daemon
        .patch(&format!("{USERS}/nobody"), &json!({ "enabled": false }))
        .await
        .refused(404, "NOT_FOUND");
    daemon
        .patch(&format!("{USERS}/a%20b"), &json!({ "enabled": false }))
        .await
        .refused(400, "INVALID_REQUEST");
    daemon
        .patch(&format!("{USERS}/ci"), &json!({}))
        .await
        .refused(400, "INVALID_REQUEST");
}

#[tokio::test]
async fn the_last_administrator_stays() {
    let daemon = Daemon::start().await;
    let admin = format!("{USERS}/admin");
    for change in [json!({ "enabled": false }), json!({ "role": "USER" })] {
        daemon.patch(&admin, &change).await.refused(409, "CONFLICT");
    }
    daemon.token_of("second", "ADMIN").await;
    assert_eq!(
        daemon
            .patch(&admin, &json!({ "enabled": false }))
            .await
            .status,
        200
    );
    daemon
        .get("/api/v1/whoami")
        .await
        .refused(401, "UNAUTHORIZED");
}

#[tokio::test]
async fn tokens_are_issued_within_bounds_and_only_for_who_may_use_them() {
    let daemon = Daemon::start().await;
    daemon
        .post(USERS, &json!({ "username": "jane", "role": "USER" }))
        .await
        .data();
    let ask = |name: &str, ttl: serde_json::Value| {
        let body = json!({ "username": name, "ttlSeconds": ttl });
        let daemon = &daemon;
        async move { daemon.post(TOKENS, &body).await }
    };
    for ttl in [
        json!(0),
        json!(-1),
        json!(11_u64 * 366 * 24 * 3600),
        json!(u64::MAX),
        json!("1h"),
    ] {
        ask("jane", ttl).await.refused(400, "INVALID_REQUEST");
    }
    let refusal = ask("jane", json!("1h"))
        .await
        .refused(400, "INVALID_REQUEST");
    assert_eq!(
        refusal,
        "ttlSeconds: invalid type: string \"1h\", expected a whole number"
    );
    ask("nobody", json!(60)).await.refused(404, "NOT_FOUND");
    let longest = 10_u64 * 366 * 24 * 3600 - 60;
    let issued = ask("jane", json!(longest)).await.data();
    let token = issued["token"].as_str().unwrap();
    assert_eq!(
        daemon.get_as(token, "/api/v1/whoami").await.data()["tokenId"],
        issued["tokenId"]
    );
    let list = daemon.get(TOKENS).await;
    assert!(
        !list.text().contains(token),
        "the token itself is never shown again"
    );
    assert_eq!(list.data()["content"][0]["tokenId"], issued["tokenId"]);
    daemon
        .patch(&format!("{USERS}/jane"), &json!({ "enabled": false }))
        .await
        .data();
    ask("jane", json!(60)).await.refused(409, "CONFLICT");
}

#[tokio::test]
async fn a_revoked_token_counts_no_longer() {
    let daemon = Daemon::start().await;
    let token = daemon.token_of("jane", "USER").await;
    let id = daemon.get_as(&token, "/api/v1/whoami").await.data()["tokenId"]
        .as_str()
        .unwrap()
        .to_owned();
    let revoke = |id: &str| send(daemon.request(Method::DELETE, &format!("{TOKENS}/{id}")));
    assert_eq!(revoke(&id).await.data()["tokenId"], id);
    assert_eq!(revoke(&id).await.status, 200, "again is fine");
    daemon
        .get_as(&token, "/api/v1/whoami")
        .await
        .refused(401, "UNAUTHORIZED");
    revoke("01a2052b-29e1-7123-8d55-eb4e1173827c")
        .await
        .refused(404, "NOT_FOUND");
    let too_long = "x".repeat(257);
    for nonsense in ["%07", too_long.as_str()] {
        revoke(nonsense).await.refused(400, "INVALID_REQUEST");
    }
}

#[tokio::test]
async fn the_token_of_another_issuer_is_revoked_by_its_jti() {
    let daemon = Daemon::start().await;
    let path = format!("{TOKENS}/build%20server:2026-17");
    for _ in 0..2 {
        let answer = send(daemon.request(Method::DELETE, &path)).await;
        assert_eq!(answer.data()["tokenId"], "build server:2026-17");
    }
    let store = &daemon.running().app().store;
    assert!(store.is_revoked("build server:2026-17").unwrap());
}

#[tokio::test]
async fn each_endpoint_asks_for_its_role() {
    let daemon = Daemon::start().await;
    daemon.has(&["2.1.0"]).await;
    let user = daemon.token_of("jane", "USER").await;
    let publisher = daemon.token_of("ci", "PUBLISHER").await;
    let for_publishers = [
        (Method::GET, "/api/v1/admin/updates/versions", None),
        (Method::GET, "/api/v1/admin/updates/versions/2.1.0", None),
        (
            Method::GET,
            "/api/v1/admin/updates/versions/2.1.0/history",
            None,
        ),
        (Method::GET, "/api/v1/admin/updates/statistics", None),
        (
            Method::PATCH,
            "/api/v1/admin/updates/versions/2.1.0/toggle-status",
            None,
        ),
        (
            Method::PATCH,
            "/api/v1/admin/updates/versions/2.1.0",
            Some(json!({ "state": "ACTIVE" })),
        ),
        (
            Method::POST,
            "/api/v1/admin/updates/channels/stable/rollback",
            Some(json!({ "toVersion": "2.1.0" })),
        ),
    ];
    for (method, path, body) in for_publishers {
        let request = |token: &str| {
            let request = daemon.request_as(token, method.clone(), path);
            match &body {
                Some(body) => request.json(body),
                None => request,
            }
        };
        send(request(&user)).await.refused(403, "FORBIDDEN");
        assert_eq!(send(request(&publisher)).await.status, 200, "{path}");
    }
    let delta = daemon.request_as(
        &user,
        Method::POST,
        "/api/v1/admin/updates/versions/2.1.0/deltas",
    );
    send(delta).await.refused(403, "FORBIDDEN");
    for token in [&user, &publisher] {
        daemon.get_as(token, USERS).await.refused(403, "FORBIDDEN");
        daemon.get_as(token, TOKENS).await.refused(403, "FORBIDDEN");
        let add = daemon
            .request_as(token, Method::POST, USERS)
            .json(&json!({ "username": "x", "role": "ADMIN" }));
        send(add).await.refused(403, "FORBIDDEN");
        let promote = daemon
            .request_as(token, Method::PATCH, &format!("{USERS}/jane"))
            .json(&json!({ "role": "ADMIN" }));
        send(promote).await.refused(403, "FORBIDDEN");
        let issue = daemon
            .request_as(token, Method::POST, TOKENS)
            .json(&json!({ "username": "admin", "ttlSeconds": 60 }));
        send(issue).await.refused(403, "FORBIDDEN");
        let revoke = daemon.request_as(
            token,
            Method::DELETE,
            &format!("{TOKENS}/01a2052b-29e1-7123-8d55-eb4e1173827c"),
        );
        send(revoke).await.refused(403, "FORBIDDEN");
    }
}

#[tokio::test]
async fn without_the_role_no_body_is_looked_at() {
    let daemon = Daemon::start().await;
    daemon.has(&["2.1.0"]).await;
    let user = daemon.token_of("jane", "USER").await;
    let publisher = daemon.token_of("ci", "PUBLISHER").await;
    let updates = "/api/v1/admin/updates";
    for (token, method, path) in [
        (&user, Method::POST, format!("{updates}/versions")),
        (&user, Method::PATCH, format!("{updates}/versions/2.1.0")),
        (
            &user,
            Method::PATCH,
            format!("{updates}/versions/2.1.0/toggle-status"),
        ),
        (
            &user,
            Method::POST,
            format!("{updates}/versions/9.9.9/deltas"),
        ),
        (
            &user,
            Method::POST,
            format!("{updates}/channels/Not!a!channel/rollback"),
        ),
        (
            &user,
            Method::GET,
            format!("{updates}/versions?page=x&state=y"),
        ),
        (&publisher, Method::POST, USERS.to_owned()),
        (&publisher, Method::PATCH, format!("{USERS}/a%20b")),
        (&publisher, Method::GET, format!("{USERS}?size=0")),
        (&publisher, Method::POST, TOKENS.to_owned()),
        (&publisher, Method::DELETE, format!("{TOKENS}/nonsense")),
    ] {
        for (content_type, body) in [
            ("application/json", "not JSON".to_owned()),
            ("text/plain", String::new()),
            ("application/json", " ".repeat(100_000)),
        ] {
            let request = daemon.request_as(token, method.clone(), &path);
            let request = request.header("Content-Type", content_type).body(body);
            send(request).await.refused(403, "FORBIDDEN");
        }
    }
}

#[tokio::test]
async fn probes_need_no_token() {
    let daemon = Daemon::start().await;
    for path in ["/livez", "/readyz"] {
        let answer = send(daemon.http.get(daemon.url(path))).await;
        assert_eq!(answer.data()["status"], "ok");
    }
}

#[tokio::test]
async fn statistics_of_an_empty_daemon_are_all_zero() {
    let daemon = Daemon::start().await;
    let statistics = daemon.get("/api/v1/admin/updates/statistics").await.data();
    for field in [
        "connectedSessions",
        "connectedClients",
        "activeDownloads",
        "totalVersions",
        "totalDownloads",
        "successfulInstallations",
    ] {
        assert_eq!(statistics[field], 0, "{field}");
    }
    assert_eq!(statistics["versions"], json!([]));
}
