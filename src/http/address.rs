//! Whose request it is, by address: the peer's, or what a trusted proxy says it was.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use axum::extract::ConnectInfo;
use axum::http::{Extensions, HeaderMap, HeaderName};
use ipnet::IpNet;

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The nearest address that is not a trusted proxy's; what somebody further away claims is not believed.
pub fn of(headers: &HeaderMap, extensions: &Extensions, trusted: &[IpNet]) -> Option<IpAddr> {
    let peer = extensions.get::<ConnectInfo<SocketAddr>>()?.0.ip();
    Some(nearest(peer, headers, trusted))
}

fn nearest(peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) -> IpAddr {
    let is_trusted = |address: IpAddr| trusted.iter().any(|net| net.contains(&address));
    let lines = headers.get_all(FORWARDED_FOR).iter().filter_map(|value| value.to_str().ok());
    let hops: Vec<_> = lines.flat_map(|line| line.split(',')).map(str::trim).collect();
    let mut address = peer.to_canonical();
    for hop in hops.into_iter().rev() {
        if !is_trusted(address) {
            break;
        }
        let Some(next) = parse(hop) else { break };
        address = next.to_canonical();
    }
    address
}

/// An address, with or without a port: proxies write both.
fn parse(hop: &str) -> Option<IpAddr> {
    let bare = hop.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(hop);
    bare.parse().ok().or_else(|| hop.parse::<SocketAddr>().ok().map(|socket| socket.ip()))
}

/// What one subscriber of a network has: an IPv4 address, or a whole /64 of IPv6.
pub fn subscriber(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(peer: &str, forwarded: &[&'static str], trusted: &[&str]) -> String {
        let mut headers = HeaderMap::new();
        for line in forwarded {
            headers.append(FORWARDED_FOR, line.parse().unwrap());
        }
        let trusted: Vec<IpNet> = trusted.iter().map(|net| net.parse().unwrap()).collect();
        nearest(peer.parse().unwrap(), &headers, &trusted).to_string()
    }

    #[test]
    fn a_stranger_is_not_believed() {
        assert_eq!(told("203.0.113.7", &["198.51.100.1"], &[]), "203.0.113.7");
        assert_eq!(told("203.0.113.7", &["198.51.100.1"], &["10.0.0.0/8"]), "203.0.113.7");
    }

    #[test]
    fn a_trusted_proxy_is_believed_as_far_as_it_knows() {
        let trusted = ["10.0.0.0/8", "fd00::/8"];
        assert_eq!(told("10.0.0.1", &["198.51.100.1"], &trusted), "198.51.100.1");
        assert_eq!(told("10.0.0.1", &["1.2.3.4, 198.51.100.1"], &trusted), "198.51.100.1");
        assert_eq!(told("10.0.0.1", &["1.2.3.4", "198.51.100.1, 10.0.0.2"], &trusted), "198.51.100.1");
        assert_eq!(told("fd00::1", &["2001:db8::1"], &trusted), "2001:db8::1");
        assert_eq!(told("::ffff:10.0.0.1", &["198.51.100.1"], &trusted), "198.51.100.1");
        assert_eq!(told("10.0.0.1", &["198.51.100.1:4711"], &trusted), "198.51.100.1");
        assert_eq!(told("10.0.0.1", &["[2001:db8::1]:4711"], &trusted), "2001:db8::1");
        assert_eq!(told("10.0.0.1", &["[2001:db8::1]"], &trusted), "2001:db8::1");
        assert_eq!(told("10.0.0.1", &["198.51.100.1, nonsense"], &trusted), "10.0.0.1");
        assert_eq!(told("10.0.0.1", &[], &trusted), "10.0.0.1");
    }

    #[test]
    fn a_subscriber_is_an_ipv4_address_or_a_64() {
        let of = |text: &str| subscriber(text.parse().unwrap()).to_string();
        assert_eq!(of("198.51.100.1"), "198.51.100.1");
        assert_eq!(of("::ffff:198.51.100.1"), "198.51.100.1");
        assert_eq!(of("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::");
    }
}
