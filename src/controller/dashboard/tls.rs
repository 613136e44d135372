//! The certificate that the page is served with.

use std::{path::Path, sync::Arc};

use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        ServerConfig, crypto,
        pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
    },
};

use crate::model::TlsFiles;

/// Reads the files and makes of them what answers handshakes. They are small, and read for every
/// caller: a certificate that was renewed is used from then on.
///
/// # Errors
/// They cannot be read, or do not fit together: which, why and what to do.
pub(super) fn acceptor(files: &TlsFiles) -> Result<TlsAcceptor, String> {
    let certificates = read(&files.cert)?;
    let certificates: Vec<_> = CertificateDer::pem_slice_iter(&certificates)
        .collect::<Result<_, _>>()
        .map_err(|error| format!("{}: {error}", files.cert.display()))?;
    if certificates.is_empty() {
        return Err(format!("{} has no certificate in it", files.cert.display()));
    }
    let key = PrivateKeyDer::from_pem_slice(&read(&files.key)?)
        .map_err(|error| format!("{}: {error}", files.key.display()))?;
    let provider = Arc::new(crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(certificates, key))
        .map_err(|error| {
            let (cert, key) = (files.cert.display(), files.key.display());
            format!("{cert} and {key} cannot be used together: {error}")
        })?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    std::fs::read(path).map_err(|error| format!("{} cannot be read: {error}", path.display()))
}
