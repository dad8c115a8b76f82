//! The way to the daemon's machine, the same for HTTP and for live sessions: through which proxy, and whom TLS trusts.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::Uri;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::proxy::{SocksV4, SocksV5, Tunnel};
use hyper_util::client::proxy::matcher::{Intercept, Matcher};
use hyper_util::rt::TokioIo;
use reqwest::Url;
use rustls::ClientConfig;
use rustls::RootCertStore;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls_platform_verifier::Verifier;
use tokio::net::TcpStream;
use tower_service::Service;

use crate::Error;
use crate::error::innermost;

/// A TCP or TLS connection that takes longer is not coming.
pub(crate) const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Certificates of authorities that are trusted besides those of the operating system, such as a company's own.
#[derive(Clone, Debug, Default)]
pub struct Authorities(Vec<CertificateDer<'static>>);

impl Authorities {
    /// Reads a PEM text with one certificate or several.
    ///
    /// # Errors
    /// It holds none, or one that cannot be read.
    pub fn from_pem(pem: &[u8]) -> Result<Self, Error> {
        let refused = |reason: String| Error::Authorities { reason };
        let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
        let found = found.map_err(|error| refused(error.to_string()))?;
        if found.is_empty() {
            return Err(refused("it holds no PEM certificate".into()));
        }
        // A certificate that TLS could not use is told now, not as a connection that fails.
        let mut store = RootCertStore::empty();
        for certificate in &found {
            let added = store.add(certificate.clone());
            added.map_err(|error| refused(error.to_string()))?;
        }
        Ok(Self(found))
    }
}

/// How one daemon is reached.
#[derive(Clone)]
pub(crate) struct Network {
    host: Uri,
    proxy: Option<Intercept>,
    tls: Arc<ClientConfig>,
}

impl Network {
    /// The way to a daemon: by the proxy that `HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY` name.
    pub(crate) fn to(base: &Url, authorities: Authorities) -> Result<Self, Error> {
        let failed = |reason: String| Error::Url {
            url: base.to_string(),
            reason,
        };
        let port = base.port_or_known_default().unwrap_or(80);
        let host = base.host_str().unwrap_or_default();
        let host: Uri = format!("{}://{host}:{port}", base.scheme())
            .parse()
            .map_err(|error: http::uri::InvalidUri| failed(error.to_string()))?;
        let proxy = match is_loopback(base) {
            true => None,
            false => Matcher::from_system().intercept(&host),
        };
        let needs_tls = base.scheme() == "https"
            || proxy
                .as_ref()
                .is_some_and(|proxy| proxy.uri().scheme_str() == Some("https"));
        let tls = match needs_tls {
            true => trusting(authorities).map_err(|error| Error::Authorities {
                reason: error.to_string(),
            })?,
            // Reading the system's certificates takes time, and a machine may have none.
            false => without_trust().map_err(|error| failed(error.to_string()))?,
        };
        Ok(Self {
            host,
            proxy,
            tls: Arc::new(tls),
        })
    }

    /// Whether the environment's proxies are passed over.
    pub(crate) fn is_direct(&self) -> bool {
        self.proxy.is_none()
    }

    pub(crate) fn tls(&self) -> Arc<ClientConfig> {
        Arc::clone(&self.tls)
    }

    /// A connection to the daemon's port, for what is no HTTP request.
    pub(crate) async fn connect(&self) -> Result<TcpStream, String> {
        let mut connector = HttpConnector::new();
        connector.enforce_http(false);
        connector.set_nodelay(true);
        connector.set_connect_timeout(Some(CONNECT_TIMEOUT));
        let host = self.host.clone();
        let Some(proxy) = &self.proxy else {
            return connected(connector.call(host).await);
        };
        let via = proxy.uri().clone();
        let stream = match via.scheme_str() {
            Some("http") => {
                let mut tunnel = Tunnel::new(via.clone(), connector);
                if let Some(auth) = proxy.basic_auth() {
                    tunnel = tunnel.with_auth(auth.clone());
                }
                connected(tunnel.call(host).await)
            }
            Some(scheme @ ("socks5" | "socks5h")) => {
                let local = scheme == "socks5";
                let mut socks = SocksV5::new(via.clone(), connector).local_dns(local);
                if let Some((user, password)) = proxy.raw_auth() {
                    socks = socks.with_auth(user.to_owned(), password.to_owned());
                }
                connected(socks.call(host).await)
            }
            Some(scheme @ ("socks4" | "socks4a")) => {
                let local = scheme == "socks4";
                let mut socks = SocksV4::new(via.clone(), connector).local_dns(local);
                connected(socks.call(host).await)
            }
            _ => Err("live sessions know proxies of the kinds http and socks".into()),
        };
        stream.map_err(|reason| format!("the proxy {}: {reason}", without_user(&via)))
    }
}

impl fmt::Debug for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Network")
            .field("host", &self.host)
            .field("proxy", &self.proxy)
            .finish_non_exhaustive()
    }
}

fn connected<E: std::error::Error>(
    outcome: Result<TokioIo<TcpStream>, E>,
) -> Result<TcpStream, String> {
    match outcome {
        Ok(stream) => Ok(stream.into_inner()),
        Err(error) => Err(innermost(&error)),
    }
}

fn trusting(authorities: Authorities) -> Result<ClientConfig, rustls::Error> {
    let provider = provider();
    let verifier = Verifier::new_with_extra_roots(authorities.0, Arc::clone(&provider))?;
    let builder =
        ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    Ok(builder?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth())
}

fn without_trust() -> Result<ClientConfig, rustls::Error> {
    let builder =
        ClientConfig::builder_with_provider(provider()).with_safe_default_protocol_versions();
    Ok(builder?
        .with_root_certificates(RootCertStore::empty())
        .with_no_client_auth())
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}

/// A proxy's address may carry a password.
fn without_user(uri: &Uri) -> String {
    let host = uri.host().unwrap_or_default();
    match uri.port_u16() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    }
}

/// A proxy from the environment is for other machines, never for this one.
fn is_loopback(url: &Url) -> bool {
    url.host_str().is_some_and(|host| {
        host == "localhost"
            || host
                .trim_matches(['[', ']'])
                .parse::<std::net::IpAddr>()
                .is_ok_and(|address| address.is_loopback())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_is_never_asked_for_this_machine() {
        let loopback = |url| is_loopback(&Url::parse(url).unwrap());
        assert!(loopback("http://127.0.0.1:1") && loopback("http://[::1]:1"));
        assert!(loopback("http://localhost") && !loopback("http://example.com"));
    }

    #[test]
    fn what_holds_no_certificate_is_refused_at_once() {
        let damaged = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        for pem in ["", "not a certificate", damaged] {
            let error = Authorities::from_pem(pem.as_bytes()).unwrap_err();
            assert!(matches!(error, Error::Authorities { .. }), "{error}");
        }
    }

    #[test]
    fn a_proxys_password_is_not_shown() {
        let via: Uri = "http://user:secret@proxy.example:3128".parse().unwrap();
        assert_eq!(without_user(&via), "proxy.example:3128");
    }
}
