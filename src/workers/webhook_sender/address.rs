//! Where a delivery may go: public addresses only, unless the operator allows others.
//!
//! A name is resolved by the resolver below, inside the connector: the addresses it lets through are the very ones
//! that are dialled, so a name that answers differently the second time gains nothing. An address written into the
//! URL never gets to a resolver and is looked at before the request.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

/// Why a host leads nowhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    #[error("the host leads to no public address")]
    Refused,
    #[error("the host's name is not known")]
    Unknown,
}

/// Looks names up and lets only those addresses through that may be called.
pub struct Resolver {
    pub allow_private: bool,
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let allow_private = self.allow_private;
        Box::pin(async move {
            let found =
                tokio::net::lookup_host((name.as_str(), 0)).await.map_err(|_| AddressError::Unknown)?;
            let allowed: Vec<SocketAddr> =
                found.filter(|address| allow_private || is_public(address.ip())).collect();
            if allowed.is_empty() {
                return Err(AddressError::Refused.into());
            }
            let addresses: Addrs = Box::new(allowed.into_iter());
            Ok(addresses)
        })
    }
}

/// Refuses a URL whose host is written as an address that must not be called.
pub fn check(url: &Url, allow_private: bool) -> Result<(), AddressError> {
    let public = match url.host() {
        Some(Host::Ipv4(address)) => is_public(address.into()),
        Some(Host::Ipv6(address)) => is_public(address.into()),
        Some(Host::Domain(_)) => true,
        None => return Err(AddressError::Unknown),
    };
    if public || allow_private { Ok(()) } else { Err(AddressError::Refused) }
}

/// Whether an address is globally reachable, by IANA's special-purpose registries (RFC 6890).
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    !matches!(
        address.octets(),
        // this network, private, loopback, multicast, reserved and broadcast
        [0 | 10 | 127 | 224..=255, ..]
            // shared (CGNAT), link-local (where clouds keep their metadata), private
            | [100, 64..=127, ..] | [169, 254, ..] | [172, 16..=31, ..] | [192, 168, ..]
            // protocol assignments, documentation, 6to4 relays
            | [192, 0, 0 | 2, _] | [192, 88, 99, _] | [198, 51, 100, _] | [203, 0, 113, _]
            // benchmarking
            | [198, 18 | 19, ..]
    )
}

/// Only global unicast (`2000::/3`) is public, less what is special in it; what carries an IPv4 address is as public
/// as that.
fn is_public_v6(address: Ipv6Addr) -> bool {
    let v4 = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        is_public_v4(Ipv4Addr::new(a, b, c, d))
    };
    match address.segments() {
        // IPv4-mapped, IPv4-compatible (:: and ::1 among them), NAT64, 6to4
        [0, 0, 0, 0, 0, 0xffff | 0, high, low]
        | [0x64, 0xff9b, 0, 0, 0, 0, high, low]
        | [0x2002, high, low, ..] => v4(high, low),
        // Teredo: the server's address, and the client's with its bits flipped
        [0x2001, 0, high, low, _, _, flipped_high, flipped_low] => {
            v4(high, low) && v4(!flipped_high, !flipped_low)
        }
        // other protocol assignments (2001::/23), documentation
        [0x2001, 0x0001..=0x01ff | 0x0db8, ..] | [0x3fff, 0..=0x0fff, ..] => false,
        // not unique local, link-local, site-local, multicast or anything that is not assigned
        [first, ..] => first & 0xe000 == 0x2000,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn public_addresses_are_public() {
        for text in [
            "1.1.1.1",
            "8.8.8.8",
            "100.63.255.255",
            "100.128.0.1",
            "172.15.0.1",
            "172.32.0.1",
            "192.0.1.1",
            "198.20.0.1",
            "223.255.255.255",
            "2606:4700::1111",
            "2a00:1450::1",
            "::ffff:8.8.8.8",
            "64:ff9b::8.8.8.8",
            "2002:808:808::1",
        ] {
            assert!(is_public(text.parse().unwrap()), "{text}");
        }
    }

    #[test]
    fn everything_else_is_not() {
        for text in [
            "0.0.0.0",
            "0.1.2.3",
            "10.0.0.1",
            "100.64.0.1",
            "100.127.255.255",
            "127.0.0.1",
            "127.255.255.254",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.1",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.1.1",
            "198.18.0.1",
            "198.19.255.255",
            "198.51.100.1",
            "203.0.113.1",
            "224.0.0.1",
            "239.255.255.255",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::127.0.0.1",
            "::ffff:127.0.0.1",
            "::ffff:169.254.169.254",
            "::ffff:10.0.0.1",
            "64:ff9b::10.0.0.1",
            "64:ff9b::7f00:1",
            "64:ff9b:1::1",
            "100::1",
            "2001::1",
            "2001:0:a00:1::f7f7:f7f7",
            "2001:2::1",
            "2001:10::1",
            "2001:db8::1",
            "2002:7f00:1::1",
            "2002:a9fe:a9fe::",
            "3fff::1",
            "5f00::1",
            "fc00::1",
            "fd00:ec2::254",
            "fe80::1",
            "fec0::1",
            "ff02::1",
        ] {
            assert!(!is_public(text.parse().unwrap()), "{text}");
        }
    }

    #[test]
    fn a_teredo_address_is_as_public_as_both_addresses_in_it() {
        // server 8.8.8.8, client 8.8.4.4
        assert!(is_public("2001:0:808:808::f7f7:fbfb".parse().unwrap()));
        // server 8.8.8.8, client 10.0.0.1
        assert!(!is_public("2001:0:808:808::f5ff:fffe".parse().unwrap()));
    }

    #[test]
    fn an_address_is_recognised_however_it_is_written() {
        for text in [
            "http://127.0.0.1/",
            "http://127.1/",
            "http://2130706433/",
            "http://0x7f.0.0.1/",
            "http://0177.0.0.1/",
            "http://[::1]/",
            "http://[::ffff:7f00:1]/",
            "https://169.254.169.254/latest/meta-data",
        ] {
            let url = Url::parse(text).unwrap();
            assert_eq!(check(&url, false), Err(AddressError::Refused), "{text}");
            assert_eq!(check(&url, true), Ok(()), "{text}");
        }
        assert_eq!(check(&Url::parse("https://example.com/").unwrap(), false), Ok(()));
    }

    #[tokio::test]
    async fn a_name_that_leads_home_is_refused_unless_allowed() {
        let resolve = |allow_private| Resolver { allow_private }.resolve("localhost".parse().unwrap());
        let refused = resolve(false).await.err().unwrap();
        assert_eq!(refused.downcast_ref::<AddressError>(), Some(&AddressError::Refused));
        assert!(resolve(true).await.unwrap().all(|address| address.ip().is_loopback()));
    }
}
