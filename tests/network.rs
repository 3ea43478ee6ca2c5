//! What stands between this machine and PostHog: proxies, and certificates of a company's own.

#![cfg(test)]

#[path = "support/posthog.rs"]
#[expect(dead_code, reason = "each test binary uses its part")]
mod posthog;
#[path = "support/terminal.rs"]
#[expect(dead_code, reason = "each test binary uses its part")]
mod terminal;

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use assert_cmd::Command;
use flagline::sandbox::API_KEY;
use posthog::Posthog;
use tempfile::TempDir;
use terminal::{flagline, run, tree};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

/// PostHog behind TLS, with a certificate that only `ca.pem` in the folder explains. Returns its address.
async fn with_tls(posthog: &Posthog, folder: &Path) -> SocketAddr {
    let key = rcgen::KeyPair::generate().unwrap();
    let mut authority = rcgen::CertificateParams::new(Vec::new()).unwrap();
    authority.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    std::fs::write(folder.join("ca.pem"), authority.self_signed(&key).unwrap().pem()).unwrap();
    let issuer = rcgen::Issuer::new(authority, key);
    let key = rcgen::KeyPair::generate().unwrap();
    let certificate = rcgen::CertificateParams::new(["localhost".to_owned()]).unwrap();
    let certificate = certificate.signed_by(&key, &issuer).unwrap();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let config = ServerConfig::builder().with_no_client_auth();
    let config = config.with_single_cert(vec![certificate.der().clone()], key).unwrap();

    let acceptor = TlsAcceptor::from(Arc::new(config));
    let plain = posthog.url().strip_prefix("http://").unwrap().to_owned();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (acceptor, plain) = (acceptor.clone(), plain.clone());
            tokio::spawn(async move {
                let Ok(mut stream) = acceptor.accept(stream).await else { return };
                let mut behind = TcpStream::connect(plain).await.unwrap();
                drop(copy_bidirectional(&mut stream, &mut behind).await);
            });
        }
    });
    address
}

/// A proxy that leads everything to one place. Returns its address, and how often it was used.
async fn proxy(to: SocketAddr) -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, used) = (listener.local_addr().unwrap(), Arc::new(AtomicUsize::new(0)));
    let count = used.clone();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let count = count.clone();
            tokio::spawn(async move {
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    head.push(stream.read_u8().await.unwrap());
                }
                assert!(head.starts_with(b"CONNECT localhost:1 "), "{}", String::from_utf8_lossy(&head));
                count.fetch_add(1, Ordering::Relaxed);
                stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
                let mut behind = TcpStream::connect(to).await.unwrap();
                drop(copy_bidirectional(&mut stream, &mut behind).await);
            });
        }
    });
    (address, used)
}

/// `flagline whoami` for this host, with these variables.
fn whoami(folder: &TempDir, host: &str, variables: &[(&str, &str)]) -> Command {
    let mut command = flagline(folder.path());
    for name in
        ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy", "NO_PROXY", "no_proxy", "SSL_CERT_FILE"]
    {
        command.env_remove(name);
    }
    command.env("FLAGLINE_HOST", host).env("FLAGLINE_API_KEY", API_KEY).arg("whoami");
    command.envs(variables.iter().copied());
    command
}

#[tokio::test]
async fn a_companys_own_certificate_is_trusted_when_its_file_is_named() {
    let (posthog, folder) = (Posthog::start().await, tree(&[]));
    let host = format!("https://localhost:{}", with_tls(&posthog, folder.path()).await.port());
    let (code, stdout, _) = run(whoami(&folder, &host, &[])).await;
    assert!(code == 2 && stdout.contains("FLAGLINE_CA_FILE"), "{stdout}");
    assert_eq!(posthog.all_requests().await, 0);
    let ca = folder.path().join("ca.pem");
    for name in ["FLAGLINE_CA_FILE", "SSL_CERT_FILE"] {
        let (code, stdout, _) = run(whoami(&folder, &host, &[(name, ca.to_str().unwrap())])).await;
        assert!(code == 0 && stdout.contains("project 1 Offset"), "{name}: {stdout}");
    }
}

#[tokio::test]
async fn a_file_of_certificates_that_cannot_be_used_is_said_and_nothing_is_asked() {
    let posthog = Posthog::start().await;
    let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    let folder = tree(&[("empty.pem", "nothing\n"), ("broken.pem", broken)]);
    for (file, words) in [
        ("missing.pem", "missing.pem cannot be read"),
        ("empty.pem", "empty.pem has no certificate in it"),
        ("broken.pem", "certificate"),
    ] {
        let (code, stdout, stderr) = run(whoami(&folder, posthog.url(), &[("FLAGLINE_CA_FILE", file)])).await;
        assert!(code == 2 && stdout.contains(words), "{file}: {stdout}{stderr}");
        assert!(!stderr.contains("panicked"), "{stderr}");
    }
    assert_eq!(posthog.all_requests().await, 0);
}

#[tokio::test]
async fn the_variables_of_a_proxy_decide() {
    let (posthog, folder) = (Posthog::start().await, tree(&[]));
    let tls = with_tls(&posthog, folder.path()).await;
    let (proxy, used) = proxy(tls).await;
    let (proxy, ca) = (format!("http://{proxy}"), folder.path().join("ca.pem"));
    let ca = ("FLAGLINE_CA_FILE", ca.to_str().unwrap());
    // Nobody listens at that port: only the proxy knows the way.
    let variables = [ca, ("HTTPS_PROXY", &*proxy)];
    let (code, stdout, _) = run(whoami(&folder, "https://localhost:1", &variables)).await;
    assert!(code == 0 && stdout.contains("project 1 Offset"), "{stdout}");
    assert!(used.swap(0, Ordering::Relaxed) > 0);
    let variables = [ca, ("HTTPS_PROXY", &*proxy), ("NO_PROXY", "localhost")];
    let (code, stdout, _) = run(whoami(&folder, "https://localhost:1", &variables)).await;
    assert!(code == 2 && stdout.contains("cannot be reached"), "{stdout}");
    assert_eq!(used.load(Ordering::Relaxed), 0);
}
