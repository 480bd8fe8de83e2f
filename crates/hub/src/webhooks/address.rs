//! Where messages may go: to public addresses over TLS, unless the operator allows others.
//! Whoever can make a webhook could otherwise look around in the hub's own network.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use reqwest::Url;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use crate::error::ApiError;

/// Addresses that are told to others are far below it.
const MAX_URL_BYTES: usize = 2048;

/// Is the address one of the public internet's? After the registries of special-purpose
/// addresses (RFC 6890): what is private, shared, local, reserved, for documentation,
/// benchmarks or groups is not, and neither is what is carried inside another address.
pub(crate) fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

/// Networks that are not public: base and length.
const V4: [([u8; 4], u32); 15] = [
    ([0, 0, 0, 0], 8),
    ([10, 0, 0, 0], 8),
    ([100, 64, 0, 0], 10),
    ([127, 0, 0, 0], 8),
    // Link-local; the metadata services of clouds are here.
    ([169, 254, 0, 0], 16),
    ([172, 16, 0, 0], 12),
    ([192, 0, 0, 0], 24),
    ([192, 0, 2, 0], 24),
    ([192, 88, 99, 0], 24),
    ([192, 168, 0, 0], 16),
    ([198, 18, 0, 0], 15),
    ([198, 51, 100, 0], 24),
    ([203, 0, 113, 0], 24),
    ([224, 0, 0, 0], 4),
    ([240, 0, 0, 0], 4),
];

fn is_public_v4(address: Ipv4Addr) -> bool {
    let bits = address.to_bits();
    !V4.iter().any(|(base, length)| {
        let base = Ipv4Addr::from(*base).to_bits();
        (bits ^ base) >> (32 - length) == 0
    })
}

/// Of global unicast (2000::/3) what is not public: protocol assignments with Teredo,
/// documentation, 6to4, and documentation once more.
const V6: [(Ipv6Addr, u32); 4] = [
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23),
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32),
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16),
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20),
];

fn is_public_v6(address: Ipv6Addr) -> bool {
    if let Some(mapped) = address.to_ipv4_mapped() {
        return is_public_v4(mapped);
    }
    let within = |base: Ipv6Addr, length: u32| (address.to_bits() ^ base.to_bits()) >> (128 - length) == 0;
    within(Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), 3)
        && !V6.iter().any(|(base, length)| within(*base, *length))
}

/// The URL as it is kept, if messages may go there as far as it tells. What its name stands
/// for is looked up, and checked, each time.
pub(crate) fn check_url(text: &str, allow_private: bool) -> Result<Url, ApiError> {
    let invalid = |what: &str| {
        ApiError::new(
            "webhook_url_invalid",
            format!("the receiver's address cannot be used: {what}"),
        )
    };
    if text.len() > MAX_URL_BYTES {
        return Err(invalid(&format!("it is over {MAX_URL_BYTES} bytes")));
    }
    let url = Url::parse(text).map_err(|error| invalid(&error.to_string()))?;
    match url.scheme() {
        "https" => {}
        "http" if allow_private => {}
        _ => return Err(invalid("it does not begin with https://")),
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(invalid("it has a user or a password in it"));
    }
    if url.host_str().is_none_or(str::is_empty) {
        return Err(invalid("it names no host"));
    }
    if url.fragment().is_some() {
        return Err(invalid("it has a fragment"));
    }
    match literal(&url) {
        Some(address) if !allow_private && !is_public(address) => Err(ApiError::new(
            "webhook_address_private",
            format!("{address} is not a public address"),
        )),
        Some(_) | None => Ok(url),
    }
}

/// The address that stands in the place of a name. Other ways of writing one (octal, one
/// number, short forms) have become the usual one when the URL was read.
pub(crate) fn literal(url: &Url) -> Option<IpAddr> {
    url.host_str()?.trim_matches(['[', ']']).parse().ok()
}

/// A name stands for an address that is not public.
#[derive(Debug, thiserror::Error)]
#[error("the name stands for {0}, which is not a public address")]
pub(crate) struct PrivateAddress(pub(crate) IpAddr);

/// Looks names up and gives out checked addresses alone: the connection goes to one of them,
/// so that a name that stands for something else a moment later changes nothing.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Checked {
    pub(crate) allow_private: bool,
}

impl Resolve for Checked {
    fn resolve(&self, name: Name) -> Resolving {
        let allow_private = self.allow_private;
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            let private = found
                .iter()
                .map(SocketAddr::ip)
                .find(|address| !allow_private && !is_public(*address));
            // One that is private among others is somebody who tries.
            if let Some(address) = private {
                return Err(PrivateAddress(address).into());
            }
            let addresses: Addrs = Box::new(found.into_iter());
            Ok(addresses)
        })
    }
}

impl Checked {
    pub(crate) fn shared(self) -> Arc<Self> {
        Arc::new(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_of_the_public_internet_are_public() {
        for private in [
            "0.0.0.0",
            "10.0.0.1",
            "10.255.255.255",
            "100.64.0.1",
            "100.127.255.255",
            "127.0.0.1",
            "127.9.9.9",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.8",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.1.1",
            "198.18.0.1",
            "198.19.255.255",
            "198.51.100.7",
            "203.0.113.7",
            "224.0.0.1",
            "239.255.255.255",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::127.0.0.1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "::ffff:169.254.169.254",
            "64:ff9b::7f00:1",
            "64:ff9b:1::1",
            "100::1",
            "2001::1",
            "2001:db8::1",
            "2002:7f00:1::",
            "2002:a00:1::1",
            "3fff::1",
            "5f00::1",
            "fc00::1",
            "fd00:ec2::254",
            "fe80::1",
            "fec0::1",
            "ff02::1",
        ] {
            assert!(!is_public(private.parse().unwrap()), "{private}");
        }
        for public in [
            "1.1.1.1",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "126.255.255.255",
            "128.0.0.1",
            "169.253.255.255",
            "172.15.255.255",
            "172.32.0.0",
            "192.0.1.1",
            "192.167.255.255",
            "198.17.255.255",
            "198.20.0.0",
            "223.255.255.255",
            "::ffff:8.8.8.8",
            "2001:4860:4860::8888",
            "2606:4700::1111",
            "2a00:1450::1",
        ] {
            assert!(is_public(public.parse().unwrap()), "{public}");
        }
    }

    #[test]
    fn every_address_of_a_private_network_is_private_and_its_neighbours_are_not() {
        for (base, length) in V4 {
            let first = Ipv4Addr::from(base).to_bits();
            let last = first | (u32::MAX >> length);
            for step in 0..1_000_u32 {
                let inside = first + ((last - first) / 1_000) * step;
                for bits in [inside, last] {
                    let address = Ipv4Addr::from_bits(bits);
                    assert!(!is_public_v4(address), "{address}");
                    assert!(!is_public_v6(address.to_ipv6_mapped()), "{address}");
                }
            }
        }
    }

    #[test]
    fn an_address_in_any_form_is_checked_before_it_is_kept() {
        for (url, code) in [
            ("https://shop.example/hook?of=erp", None),
            ("https://[2606:4700::1111]/hook", None),
            ("https://8.8.8.8:8443/", None),
            ("http://shop.example/hook", Some("webhook_url_invalid")),
            ("ftp://shop.example/", Some("webhook_url_invalid")),
            ("shop.example", Some("webhook_url_invalid")),
            ("https://", Some("webhook_url_invalid")),
            ("https://user:word@shop.example/", Some("webhook_url_invalid")),
            ("https://shop.example/#part", Some("webhook_url_invalid")),
            ("https://127.0.0.1/", Some("webhook_address_private")),
            ("https://2130706433/", Some("webhook_address_private")),
            ("https://0x7f.1/", Some("webhook_address_private")),
            ("https://0177.0.0.1/", Some("webhook_address_private")),
            ("https://[::1]/", Some("webhook_address_private")),
            ("https://[::ffff:10.1.2.3]/", Some("webhook_address_private")),
            ("https://169.254.169.254/latest", Some("webhook_address_private")),
        ] {
            let checked = check_url(url, false);
            assert_eq!(checked.err().map(|error| error.code()), code, "{url}");
        }
        check_url("http://127.0.0.1:8080/", true).unwrap();
        let long = format!("https://shop.example/{}", "x".repeat(MAX_URL_BYTES));
        assert_eq!(check_url(&long, true).unwrap_err().code(), "webhook_url_invalid");
    }

    #[tokio::test]
    async fn a_name_is_looked_up_and_its_addresses_are_checked() {
        let look_up = |allow_private| {
            let name: Name = "localhost".parse().unwrap();
            Checked { allow_private }.resolve(name)
        };
        let refused = look_up(false).await.err().unwrap();
        let private = refused.downcast_ref::<PrivateAddress>().unwrap();
        assert!(private.0.is_loopback());
        let found: Vec<_> = look_up(true).await.ok().unwrap().collect();
        assert!(found.iter().all(|address| address.ip().is_loopback()) && !found.is_empty());
    }
}
