//! Sizes in bytes: `"32KiB"`, `"2MiB"`, `"4096"`, or a plain integer.

/// Reads a size; `None` if it is none, or does not fit 64 bits.
pub(crate) fn parse(text: &str) -> Option<u64> {
    let digits = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let shift = match unit.trim_start() {
        "" | "B" => 0,
        "KiB" => 10,
        "MiB" => 20,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(1 << shift)
}

/// In the largest unit that leaves no rest.
pub(crate) fn show(bytes: u64) -> String {
    match bytes {
        0 => "0".into(),
        _ if bytes.is_multiple_of(1 << 20) => format!("{}MiB", bytes >> 20),
        _ if bytes.is_multiple_of(1 << 10) => format!("{}KiB", bytes >> 10),
        _ => format!("{bytes}B"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes() {
        assert_eq!(parse("32KiB"), Some(32 << 10));
        assert_eq!(parse("2 MiB"), Some(2 << 20));
        assert_eq!(parse("4096"), Some(4096));
        assert_eq!(parse("7B"), Some(7));
        for bad in [
            "",
            "KiB",
            "32kb",
            "32K",
            "-1",
            "1.5MiB",
            "99999999999999999999",
            "18446744073709551615KiB",
        ] {
            assert!(parse(bad).is_none(), "{bad}");
        }
        for good in [0, 1, 4096, 3 << 20, 5000] {
            assert_eq!(parse(&show(good)), Some(good));
        }
    }
}
