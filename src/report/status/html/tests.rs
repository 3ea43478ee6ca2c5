use super::style;

/// Base64 as policies want it.
fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let letter = |it: u32| char::from(LETTERS[(it & 63) as usize]);
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let byte = |at: usize| u32::from(chunk.get(at).copied().unwrap_or(0));
        let all = byte(0) << 16 | byte(1) << 8 | byte(2);
        text.extend([letter(all >> 18), letter(all >> 12)]);
        text.push(if chunk.len() > 1 { letter(all >> 6) } else { '=' });
        text.push(if chunk.len() > 2 { letter(all) } else { '=' });
    }
    text
}

#[test]
fn the_policy_allows_this_style() {
    let suite = rustls::crypto::ring::cipher_suite::TLS13_AES_128_GCM_SHA256.tls13().unwrap();
    let hash = suite.common.hash_provider.hash(style::STYLE.as_bytes());
    assert_eq!(style::HASH, format!("sha256-{}", base64(hash.as_ref())));
}
