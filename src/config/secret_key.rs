//! The key of the digests by which a changed secret file is seen.

use std::fmt;

use hmac::{Hmac, Mac as _};
use sha2::Sha256;

/// A key that belongs to one home. A digest is stored and shown in a `diff`; without the key
/// nobody can try guesses of a short secret against it. `Debug` hides the bytes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct SecretKey([u8; Self::LEN]);

impl SecretKey {
    /// Its length in bytes: that of the hash.
    pub const LEN: usize = 32;

    /// The key with these bytes, which are nobody else's.
    pub const fn new(bytes: [u8; Self::LEN]) -> Self {
        Self(bytes)
    }

    /// HMAC-SHA-256 (RFC 2104) in hex.
    pub(super) fn digest(&self, secret: &[u8]) -> String {
        // A hash's block is longer than the key, so it goes in as it is, padded with zeros.
        let mut block = [0; 64];
        for (place, byte) in block.iter_mut().zip(self.0) {
            *place = byte;
        }
        let mut mac = Hmac::<Sha256>::new(&block.into());
        mac.update(secret);
        format!("{:x}", mac.finalize().into_bytes())
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretKey")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Test case 2 of RFC 4231 has a short key; padded with zeros it is the same key.
    #[test]
    fn a_digest_is_the_standards() {
        let mut bytes = [0; SecretKey::LEN];
        bytes[..4].copy_from_slice(b"Jefe");
        let digest = SecretKey::new(bytes).digest(b"what do ya want for nothing?");
        assert_eq!(digest, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    }

    #[test]
    fn another_key_gives_another_digest() {
        let [one, other] = [1, 2].map(|byte| SecretKey::new([byte; SecretKey::LEN]));
        assert_ne!(one.digest(b"1234"), other.digest(b"1234"));
        assert_eq!(format!("{one:?}"), "SecretKey");
    }
}
