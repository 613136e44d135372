//! Numbers of bytes as people read them.

/// Exactly, in the largest unit of the file's that divides it: `100M`, `1536K`, `1000 bytes`.
pub fn exact_size(bytes: u64) -> String {
    let units = [(1 << 40, "T"), (1 << 30, "G"), (1 << 20, "M"), (1 << 10, "K")];
    match units.into_iter().find(|(unit, _)| bytes != 0 && bytes.is_multiple_of(*unit)) {
        Some((unit, name)) => format!("{}{name}", bytes / unit),
        None => format!("{bytes} bytes"),
    }
}

/// In whole units that are at most that much: `1023 bytes`, `2 MiB`.
pub fn human_size(bytes: u64) -> String {
    let units = [(1 << 40, "TiB"), (1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")];
    match units.into_iter().find(|(unit, _)| *unit <= bytes) {
        Some((unit, name)) => format!("{} {name}", bytes / unit),
        None => format!("{bytes} bytes"),
    }
}

/// In MiB and tenths, for two that are compared: `60.5M`.
pub fn fine_size(bytes: u64) -> String {
    let tenths = bytes.saturating_mul(10) >> 20;
    format!("{}.{}M", tenths / 10, tenths % 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_read_well() {
        assert_eq!(human_size(0), "0 bytes");
        assert_eq!(human_size(1023), "1023 bytes");
        assert_eq!(human_size(5 << 19), "2 MiB");
        assert_eq!(human_size(3 << 40), "3 TiB");
    }

    #[test]
    fn tenths_are_told() {
        assert_eq!(fine_size(60 << 20), "60.0M");
        assert_eq!(fine_size(5 << 19), "2.5M");
    }

    #[test]
    fn exact_sizes_differ_where_the_bytes_do() {
        assert_eq!(exact_size(0), "0 bytes");
        assert_eq!(exact_size(100 << 20), "100M");
        assert_eq!(exact_size(3 << 29), "1536M");
        assert_eq!(exact_size((100 << 20) + 1), "104857601 bytes");
    }
}
