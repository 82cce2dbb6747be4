//! IP networks as sets of addresses, so that different spellings of one range are equal (duo-api.md, trap 12).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

/// A range of addresses of one family, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Range {
    v6: bool,
    first: u128,
    last: u128,
}

/// A set of addresses, as sorted ranges that neither touch nor overlap.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Networks(Vec<Range>);

impl Networks {
    /// Parses addresses, `a-b` ranges and CIDR blocks. The error is the first entry that is none of these.
    pub fn parse(entries: impl IntoIterator<Item = impl AsRef<str>>) -> Result<Self, String> {
        let mut ranges = Vec::new();
        for entry in entries {
            let entry = entry.as_ref().trim();
            ranges.push(parse_range(entry).ok_or_else(|| entry.to_owned())?);
        }
        Ok(Self(merge(ranges)))
    }

    /// Whether the set is empty.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether the set contains every IPv4 or every IPv6 address.
    pub fn is_everything(&self) -> bool {
        let all = |range: &Range| {
            let last = if range.v6 { u128::MAX } else { u128::from(u32::MAX) };
            range.first == 0 && range.last == last
        };
        self.0.iter().any(all)
    }

    /// Whether every address of `self` is also in `other`.
    pub fn is_within(&self, other: &Self) -> bool {
        self.0.iter().all(|inner| {
            other
                .0
                .iter()
                .any(|outer| outer.v6 == inner.v6 && outer.first <= inner.first && inner.last <= outer.last)
        })
    }

    /// Whether the set contains an address.
    pub fn contains(&self, address: IpAddr) -> bool {
        let (v6, number) = number(address.to_canonical());
        self.0.iter().any(|range| range.v6 == v6 && range.first <= number && number <= range.last)
    }

    /// One text per range: an address, a CIDR block if possible, else `first-last`.
    pub fn texts(&self) -> Vec<String> {
        self.0.iter().map(|range| text(*range)).collect()
    }
}

fn number(address: IpAddr) -> (bool, u128) {
    match address {
        IpAddr::V4(v4) => (false, u128::from(u32::from(v4))),
        IpAddr::V6(v6) => (true, u128::from(v6)),
    }
}

fn parse_range(entry: &str) -> Option<Range> {
    if let Some((first, last)) = entry.split_once('-') {
        let (v6, first) = number(first.trim().parse().ok()?);
        let (last_v6, last) = number(last.trim().parse().ok()?);
        return (v6 == last_v6 && first <= last).then_some(Range { v6, first, last });
    }
    let net: IpNet = match entry.parse() {
        Ok(net) => net,
        Err(_) => IpNet::from(entry.parse::<IpAddr>().ok()?),
    };
    let (v6, first) = number(net.network());
    let (_, last) = number(net.broadcast());
    Some(Range { v6, first, last })
}

fn merge(mut ranges: Vec<Range>) -> Vec<Range> {
    ranges.sort_unstable();
    let mut merged: Vec<Range> = Vec::new();
    for range in ranges {
        match merged.last_mut() {
            Some(last) if last.v6 == range.v6 && range.first <= last.last.saturating_add(1) => {
                last.last = last.last.max(range.last);
            }
            _ => merged.push(range),
        }
    }
    merged
}

fn address(v6: bool, number: u128) -> IpAddr {
    match u32::try_from(number) {
        Ok(number) if !v6 => IpAddr::V4(Ipv4Addr::from(number)),
        _ => IpAddr::V6(Ipv6Addr::from(number)),
    }
}

fn text(range: Range) -> String {
    let (first, last) = (address(range.v6, range.first), address(range.v6, range.last));
    let blocks: Vec<IpNet> = match (first, last) {
        (IpAddr::V4(first), IpAddr::V4(last)) => {
            ipnet::Ipv4Subnets::new(first, last, 0).take(2).map(|net: Ipv4Net| IpNet::V4(net)).collect()
        }
        (IpAddr::V6(first), IpAddr::V6(last)) => {
            ipnet::Ipv6Subnets::new(first, last, 0).take(2).map(|net: Ipv6Net| IpNet::V6(net)).collect()
        }
        (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => Vec::new(),
    };
    match blocks.as_slice() {
        [_] if first == last => first.to_string(),
        [block] => block.to_string(),
        _ => format!("{first}-{last}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(entries: &[&str]) -> Vec<String> {
        Networks::parse(entries.iter().copied()).unwrap().texts()
    }

    #[test]
    fn spellings_of_one_range_are_equal() {
        assert_eq!(texts(&["192.0.2.8/32"]), ["192.0.2.8"]);
        assert_eq!(texts(&["192.0.2.0-192.0.2.255"]), ["192.0.2.0/24"]);
        assert_eq!(texts(&["192.0.2.77/24"]), ["192.0.2.0/24"]);
        assert_eq!(texts(&["192.0.2.128/25", " 192.0.2.0/25"]), ["192.0.2.0/24"]);
        assert_eq!(texts(&["10.0.0.1-10.0.0.3"]), ["10.0.0.1-10.0.0.3"]);
        assert_eq!(texts(&["2001:db8::/32", "0.0.0.0/0"]), ["0.0.0.0/0", "2001:db8::/32"]);
    }

    #[test]
    fn what_is_no_network_is_named() {
        assert_eq!(Networks::parse(["192.0.2.8", "office"]), Err("office".to_owned()));
        assert!(Networks::parse(["10.0.0.9-10.0.0.1"]).is_err());
        assert!(Networks::parse(["10.0.0.1-::1"]).is_err());
        assert!(Networks::parse(["192.0.2.8", " "]).is_err(), "a blank entry must not become `any address`");
    }

    #[test]
    fn containment_respects_the_family() {
        let all_v4 = Networks::parse(["0.0.0.0/0"]).unwrap();
        let office = Networks::parse(["192.0.2.0/24"]).unwrap();
        assert!(office.is_within(&all_v4) && !all_v4.is_within(&office));
        assert!(office.contains("192.0.2.9".parse().unwrap()));
        assert!(office.contains("::ffff:192.0.2.9".parse().unwrap()));
        assert!(!all_v4.contains("::1".parse().unwrap()));
    }
}
