//! Stable numbers from text: buckets, ids and the seed's chance, the same on every machine.

/// A well mixed 64-bit hash (FNV-1a, then the finisher of SplitMix64).
pub(super) fn hash(parts: &[&str]) -> u64 {
    let mut state: u64 = 0xcbf2_9ce4_8422_2325;
    for part in parts {
        for byte in part.bytes().chain([0xff]) {
            state = (state ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }
    state = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    state = (state ^ (state >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    state ^ (state >> 31)
}

/// A number in `0.0..1.0`.
pub(super) fn unit(parts: &[&str]) -> f64 {
    (hash(parts) >> 11) as f64 / (1_u64 << 53) as f64
}

/// A UUID that depends only on `parts`.
pub(super) fn uuid(parts: &[&str]) -> String {
    let (high, low) = (hash(&[&["a"], parts].concat()), hash(&[&["b"], parts].concat()));
    format!(
        "{:08x}-{:04x}-8{:03x}-{:04x}-{:012x}",
        high >> 32,
        (high >> 16) & 0xffff,
        high & 0xfff,
        0x8000 | ((low >> 48) & 0x3fff),
        low & 0xffff_ffff_ffff
    )
}

/// Eight letters and digits, as insights have in their addresses.
pub(super) fn short_id(parts: &[&str]) -> String {
    const LETTERS: &[u8] = b"ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789";
    let mut rest = hash(parts);
    (0..8)
        .map(|_| {
            let letter = LETTERS[(rest % LETTERS.len() as u64) as usize];
            rest /= LETTERS.len() as u64;
            char::from(letter)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_stable_and_look_right() {
        assert_eq!(uuid(&["x"]), uuid(&["x"]));
        assert_ne!(uuid(&["x", "y"]), uuid(&["xy"]));
        assert_eq!(uuid(&["x"]).len(), 36);
        assert_eq!(short_id(&["x"]).len(), 8);
    }

    #[test]
    fn chance_is_fair_enough() {
        let hits = (0..10_000).filter(|it| unit(&["flag", &it.to_string()]) < 0.25).count();
        assert!((2_300..2_700).contains(&hits), "{hits}");
    }
}
