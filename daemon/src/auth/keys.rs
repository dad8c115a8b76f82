//! The keys that signatures are checked with: one secret, one public key, or a set of public keys.
//!
//! All of them belong to the one configured algorithm. A key of a set that is for something else is left out, so a
//! token can never choose an algorithm by choosing a key.

use jsonwebtoken::jwk::{
    AlgorithmParameters, EllipticCurve, Jwk, JwkSet, KeyAlgorithm, PublicKeyUse,
};
use jsonwebtoken::{Algorithm, DecodingKey, crypto};

use super::{KeyError, Secret};
use crate::config::JwtAlgorithm;

/// An algorithm and the keys of it.
pub struct VerifyingKeys {
    algorithm: JwtAlgorithm,
    keys: Vec<(Option<String>, DecodingKey)>,
}

impl std::fmt::Debug for VerifyingKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("VerifyingKeys")
            .field("algorithm", &self.algorithm)
            .field("keys", &self.keys.len())
            .finish()
    }
}

impl VerifyingKeys {
    /// The secret of HS256.
    #[must_use]
    pub fn secret(secret: &Secret) -> Self {
        Self {
            algorithm: JwtAlgorithm::Hs256,
            keys: vec![(None, DecodingKey::from_secret(secret.as_bytes()))],
        }
    }

    /// One public key.
    ///
    /// # Errors
    /// It is not a PEM of the kind that the algorithm needs.
    pub fn from_pem(pem: &[u8], algorithm: JwtAlgorithm) -> Result<Self, KeyError> {
        let unfit = || KeyError::NotAPublicKey {
            algorithm: algorithm.name(),
        };
        let key = match algorithm {
            JwtAlgorithm::Rs256 => DecodingKey::from_rsa_pem(pem),
            JwtAlgorithm::Es256 => DecodingKey::from_ec_pem(pem),
            JwtAlgorithm::EdDsa => DecodingKey::from_ed_pem(pem),
            JwtAlgorithm::Hs256 => return Err(unfit()),
        };
        Ok(Self {
            algorithm,
            keys: vec![(None, key.map_err(|_| unfit())?)],
        })
    }

    /// A set of public keys (RFC 7517), as issuers publish them; here it is a file.
    ///
    /// # Errors
    /// It is no set, or has no key for the algorithm.
    pub fn from_jwks(text: &[u8], algorithm: JwtAlgorithm) -> Result<Self, KeyError> {
        let unfit = || KeyError::NotAKeySet {
            algorithm: algorithm.name(),
        };
        let set: JwkSet = serde_json::from_slice(text).map_err(|_| unfit())?;
        let fitting = set.keys.iter().filter(|key| fits(key, algorithm));
        let keys: Vec<_> = fitting
            .filter_map(|key| Some((key.common.key_id.clone(), DecodingKey::from_jwk(key).ok()?)))
            .collect();
        if keys.is_empty() {
            return Err(unfit());
        }
        Ok(Self { algorithm, keys })
    }

    /// The algorithm's name in a header.
    #[must_use]
    pub fn algorithm_name(&self) -> &'static str {
        self.algorithm.name()
    }

    /// Whether one of the keys made the signature. A key id that a token names is only a hint which to try.
    #[must_use]
    pub fn accept(&self, signed: &str, signature: &str, key_id: Option<&str>) -> bool {
        let may_be = |known: &Option<String>| match (known, key_id) {
            (Some(known), Some(named)) => known == named,
            (None, _) | (_, None) => true,
        };
        self.keys
            .iter()
            .filter(|(known, _)| may_be(known))
            .any(|(_, key)| {
                let algorithm = library_name(self.algorithm);
                matches!(
                    crypto::verify(signature, signed.as_bytes(), key, algorithm),
                    Ok(true)
                )
            })
    }
}

fn fits(key: &Jwk, algorithm: JwtAlgorithm) -> bool {
    let is_for_signatures = matches!(
        key.common.public_key_use,
        None | Some(PublicKeyUse::Signature)
    );
    let (wanted, is_of_kind) = match algorithm {
        JwtAlgorithm::Hs256 => return false,
        JwtAlgorithm::Rs256 => (
            KeyAlgorithm::RS256,
            matches!(key.algorithm, AlgorithmParameters::RSA(_)),
        ),
        JwtAlgorithm::Es256 => (
            KeyAlgorithm::ES256,
            matches!(&key.algorithm, AlgorithmParameters::EllipticCurve(key) if key.curve == EllipticCurve::P256),
        ),
        JwtAlgorithm::EdDsa => (
            KeyAlgorithm::EdDSA,
            matches!(&key.algorithm, AlgorithmParameters::OctetKeyPair(key) if key.curve == EllipticCurve::Ed25519),
        ),
    };
    is_for_signatures
        && is_of_kind
        && key
            .common
            .key_algorithm
            .is_none_or(|stated| stated == wanted)
}

/// The library's name of an algorithm.
pub(super) const fn library_name(algorithm: JwtAlgorithm) -> Algorithm {
    match algorithm {
        JwtAlgorithm::Hs256 => Algorithm::HS256,
        JwtAlgorithm::Rs256 => Algorithm::RS256,
        JwtAlgorithm::Es256 => Algorithm::ES256,
        JwtAlgorithm::EdDsa => Algorithm::EdDSA,
    }
}
