//! Signatures of releases: whoever pins a publisher's key takes nothing that the holder of that key did not sign,
//! whatever a daemon says.
//!
//! Ed25519 (RFC 8032), over a short text and not over the file: `relctl-release-v1:VERSION:SHA256`, the SHA-256 in 64
//! lower-case hexadecimal digits. So it is checked before a byte is fetched, the file itself is held to it by its
//! checksum, and an old file cannot be passed off as a new version. On the wire a signature is the 64 bytes in base64.

use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, UnparsedPublicKey};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use protocol::{Checksum, Version};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{PrivatePkcs8KeyDer, SubjectPublicKeyInfoDer};

use crate::Error;

/// The key that a publisher's signatures are checked with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicKey([u8; KEY_BYTES]);

/// The key that a publisher signs with.
#[derive(Debug)]
pub struct SigningKey(Ed25519KeyPair);

const KEY_BYTES: usize = 32;

/// What stands before the 32 bytes in the DER form of an Ed25519 public key (RFC 8410).
const SPKI_PREFIX: [u8; 12] = [
    0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00,
];

impl PublicKey {
    /// Reads a key: PEM as `openssl pkey -pubout` writes it, or base64 of the same DER or of the 32 bytes alone.
    ///
    /// # Errors
    /// It is neither, or not an Ed25519 key.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let text = text.trim();
        let der = match text.starts_with("-----BEGIN") {
            true => SubjectPublicKeyInfoDer::from_pem_slice(text.as_bytes())
                .map(|der| der.to_vec())
                .map_err(|_| no_key("expected a PEM block PUBLIC KEY"))?,
            false => STANDARD
                .decode(text)
                .map_err(|_| no_key("expected PEM or base64"))?,
        };
        let bytes = der.strip_prefix(&SPKI_PREFIX).unwrap_or(&der);
        match bytes.try_into() {
            Ok(bytes) => Ok(Self(bytes)),
            Err(_) => Err(no_key("expected an Ed25519 public key")),
        }
    }

    /// Holds a release to this key.
    ///
    /// # Errors
    /// [`Error::Signature`]: there is none, or it is not of this key, this version and this file.
    pub fn check(
        &self,
        version: &Version,
        checksum: Checksum,
        signature: Option<&str>,
    ) -> Result<(), Error> {
        let refused = |reason: &str| Error::Signature {
            version: version.clone(),
            reason: reason.to_owned(),
        };
        let signature = signature.ok_or_else(|| refused("it is not signed"))?;
        let signature = STANDARD
            .decode(signature.trim())
            .map_err(|_| refused("its signature is not one in base64"))?;
        UnparsedPublicKey::new(&ED25519, self.0)
            .verify(signed_text(version, checksum).as_bytes(), &signature)
            .map_err(|_| refused("its signature is not of the pinned key for this file"))
    }
}

impl SigningKey {
    /// Reads a private key in PEM, as `openssl genpkey -algorithm ed25519` writes it.
    ///
    /// # Errors
    /// It is not one.
    pub fn parse(pem: &str) -> Result<Self, Error> {
        let der = PrivatePkcs8KeyDer::from_pem_slice(pem.as_bytes())
            .map_err(|_| no_key("expected a PEM block PRIVATE KEY"))?;
        Ed25519KeyPair::from_pkcs8(der.secret_pkcs8_der())
            .map(Self)
            .map_err(|_| no_key("expected an Ed25519 private key"))
    }

    /// The signature of a release, as it goes over the wire.
    #[must_use]
    pub fn sign(&self, version: &Version, checksum: Checksum) -> String {
        let text = signed_text(version, checksum);
        STANDARD.encode(self.0.sign(text.as_bytes()))
    }
}

fn signed_text(version: &Version, checksum: Checksum) -> String {
    format!("relctl-release-v1:{version}:{checksum}")
}

fn no_key(reason: &str) -> Error {
    Error::Key {
        reason: reason.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Made by `openssl genpkey -algorithm ed25519` and `openssl pkey -pubout`.
    const PRIVATE: &str = include_str!("signature/test-key.pem");
    const PUBLIC: &str = include_str!("signature/test-key.pub");
    /// Made by `openssl pkeyutl -sign -rawin`, over the text of version 2.1.0 and the SHA-256 of `hello`.
    const SIGNATURE: &str = include_str!("signature/test-key.sig");

    fn hello() -> (Version, Checksum) {
        let checksum = Checksum::from_bytes(delta::checksum::sha256(b"hello"));
        (Version::new(2, 1, 0), checksum)
    }

    #[test]
    fn openssl_and_we_make_the_same_signature() {
        let (version, checksum) = hello();
        let signature = SigningKey::parse(PRIVATE).unwrap().sign(&version, checksum);
        assert_eq!(signature, SIGNATURE.trim());
        let key = PublicKey::parse(PUBLIC).unwrap();
        key.check(&version, checksum, Some(SIGNATURE)).unwrap();
    }

    #[test]
    fn a_key_is_read_in_three_forms() {
        let key = PublicKey::parse(PUBLIC).unwrap();
        let der = [&SPKI_PREFIX[..], &key.0].concat();
        assert_eq!(PublicKey::parse(&STANDARD.encode(der)).unwrap(), key);
        assert_eq!(PublicKey::parse(&STANDARD.encode(key.0)).unwrap(), key);
    }

    #[test]
    fn what_is_no_key_is_refused_without_repeating_it() {
        for text in ["", "c2VjcmV0", "not base64!", PRIVATE] {
            let message = PublicKey::parse(text).unwrap_err().to_string();
            assert!(!message.contains("c2VjcmV0"), "{message}");
        }
        assert!(SigningKey::parse(PUBLIC).is_err());
    }

    #[test]
    fn a_signature_holds_for_one_version_and_one_file() {
        let (version, checksum) = hello();
        let key = PublicKey::parse(PUBLIC).unwrap();
        let other = Checksum::from_bytes([0; 32]);
        for refused in [
            key.check(&version, checksum, None),
            key.check(&version, checksum, Some("")),
            key.check(&version, checksum, Some("not base64!")),
            key.check(&Version::new(2, 1, 1), checksum, Some(SIGNATURE)),
            key.check(&version, other, Some(SIGNATURE)),
            PublicKey([7; KEY_BYTES]).check(&version, checksum, Some(SIGNATURE)),
        ] {
            assert!(matches!(refused, Err(Error::Signature { .. })));
        }
    }
}
