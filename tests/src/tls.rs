//! The daemon behind TLS, with a certificate of an authority that nobody has heard of.

use std::sync::Arc;

use anyhow::Context;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::PrivatePkcs8KeyDer;

/// A TLS server in front of a daemon. Dropping it ends it.
#[derive(Debug)]
pub struct Tls {
    url: String,
    authority: String,
    task: JoinHandle<()>,
}

impl Tls {
    /// A server in front of the daemon at an address such as `127.0.0.1:8081`.
    ///
    /// # Errors
    /// No certificate can be made, or no port is free.
    pub async fn before(address: &str) -> anyhow::Result<Self> {
        let mut authority = CertificateParams::new(Vec::new())?;
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate()?;
        let pem = authority.self_signed(&key)?.pem();
        let issuer = Issuer::new(authority, key);
        let server_key = KeyPair::generate()?;
        let server = CertificateParams::new(vec!["127.0.0.1".to_owned()])?;
        let server = server.signed_by(&server_key, &issuer)?;
        let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(
                vec![server.der().clone()],
                PrivatePkcs8KeyDer::from(server_key.serialize_der()).into(),
            )
            .context("the certificate does not fit its key")?;
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("https://{}", listener.local_addr()?);
        let address = address.to_owned();
        let task = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(carry(acceptor.clone(), client, address.clone()));
            }
        });
        Ok(Self {
            url,
            authority: pem,
            task,
        })
    }

    /// Where clients find it.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The authority's certificate in PEM.
    #[must_use]
    pub fn authority(&self) -> &str {
        &self.authority
    }
}

impl Drop for Tls {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn carry(acceptor: TlsAcceptor, client: TcpStream, address: String) -> std::io::Result<()> {
    let mut client = acceptor.accept(client).await?;
    let mut daemon = TcpStream::connect(address).await?;
    copy_bidirectional(&mut client, &mut daemon).await.map(drop)
}
