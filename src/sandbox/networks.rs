//! Lists of addresses, `a-b` ranges and CIDR blocks, as in `networks_for_api_access` (duo-api.md, 3.3).

use std::net::IpAddr;

use ipnet::IpNet;

fn range(entry: &str) -> Option<(IpAddr, IpAddr)> {
    if let Ok(network) = entry.parse::<IpNet>() {
        return Some((network.network(), network.broadcast()));
    }
    let (first, last) = entry.split_once('-').unwrap_or((entry, entry));
    let ends = (first.trim().parse::<IpAddr>().ok()?, last.trim().parse::<IpAddr>().ok()?);
    (ends.0.is_ipv4() == ends.1.is_ipv4() && ends.0 <= ends.1).then_some(ends)
}

/// Whether Duo accepts an entry.
pub(super) fn is_valid(entry: &str) -> bool {
    range(entry).is_some()
}

/// Whether an address may call; an empty list allows all.
pub(super) fn allow(entries: &[String], address: IpAddr) -> bool {
    let address = address.to_canonical();
    entries.is_empty()
        || entries
            .iter()
            .filter_map(|entry| range(entry))
            .any(|(first, last)| first.is_ipv4() == address.is_ipv4() && first <= address && address <= last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_ranges_and_blocks_are_understood() {
        let allows = |entries: &[&str], address: &str| {
            let entries: Vec<String> = entries.iter().map(|entry| (*entry).to_owned()).collect();
            allow(&entries, address.parse().unwrap())
        };
        assert!(allows(&[], "192.0.2.1"));
        assert!(allows(&["198.51.100.7", "192.0.2.0/24"], "192.0.2.255"));
        assert!(allows(&["192.0.2.8-192.0.2.10"], "192.0.2.9"));
        assert!(!allows(&["192.0.2.8-192.0.2.10"], "192.0.2.11"));
        assert!(allows(&["127.0.0.1"], "::ffff:127.0.0.1"));
        assert!(!allows(&["0.0.0.0/0"], "::1"));
        for entry in ["", "192.0.2", "192.0.2.9-192.0.2.8", "192.0.2.0/33", "::1-192.0.2.1"] {
            assert!(!is_valid(entry), "{entry}");
        }
    }
}
