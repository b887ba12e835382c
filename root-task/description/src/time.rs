//! Times in milliseconds: `"100ms"`, `"2s"`.

/// Reads a time; `None` if it is none, or does not fit 64 bits.
pub(crate) fn parse(text: &str) -> Option<u64> {
    let digits = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let factor = match unit.trim_start() {
        "ms" => 1,
        "s" => 1000,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times() {
        assert_eq!(parse("100ms"), Some(100));
        assert_eq!(parse("2 s"), Some(2000));
        for bad in [
            "",
            "ms",
            "100",
            "1.5s",
            "-1ms",
            "1m",
            "99999999999999999999s",
            "18446744073709551615s",
        ] {
            assert!(parse(bad).is_none(), "{bad}");
        }
    }
}
