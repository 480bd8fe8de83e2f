//! Where a request comes from.

use std::net::{IpAddr, SocketAddr};

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{Extensions, HeaderMap};
use ipnet::IpNet;

use crate::error::ApiError;
use crate::hub::Hub;

/// What a proxy says of those before it; each adds the address that it was asked from.
const FORWARDED_FOR: &str = "x-forwarded-for";

/// The other end of the connection, as [`crate::connections`] knows it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Peer(pub(crate) IpAddr);

/// The caller's address: the other end of the connection or, where that is a trusted proxy,
/// the one that it names. None where no connection is known.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Address(pub(crate) Option<IpAddr>);

impl Address {
    pub(crate) fn of(extensions: &Extensions, headers: &HeaderMap, trusted: &[IpNet]) -> Self {
        let peer = extensions.get::<Peer>().map(|Peer(address)| *address);
        Self(peer.map(|peer| named(peer, headers, trusted)))
    }
}

impl FromRequestParts<Hub> for Address {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, hub: &Hub) -> Result<Self, ApiError> {
        Ok(Self::of(&parts.extensions, &parts.headers, hub.trusted_proxies()))
    }
}

/// The last address before the trusted proxies. What stands before that, anybody may have
/// written.
fn named(peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) -> IpAddr {
    let is_trusted = |address: &IpAddr| trusted.iter().any(|network| network.contains(address));
    let mut address = peer;
    let all = headers.get_all(FORWARDED_FOR).into_iter();
    let all: Vec<&str> = all.filter_map(|value| value.to_str().ok()).collect();
    let mut before = all.iter().rev().flat_map(|list| list.rsplit(','));
    while is_trusted(&address) {
        let Some(next) = before.next().and_then(|text| parse(text.trim())) else {
            break;
        };
        address = next;
    }
    address
}

/// Some proxies add the port.
fn parse(text: &str) -> Option<IpAddr> {
    let address = text
        .parse::<IpAddr>()
        .or_else(|_| text.parse::<SocketAddr>().map(|with_port| with_port.ip()));
    address.ok().map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn only_trusted_proxies_are_believed() {
        let network = |text: &str| hub_store::parse_network(text).unwrap();
        let proxies = [network("10.0.0.0/8"), network("::1")];
        let from = |peer: &str, said: &[&'static str], trusted: &[IpNet]| {
            let mut headers = HeaderMap::new();
            for list in said {
                headers.append(FORWARDED_FOR, HeaderValue::from_static(list));
            }
            named(peer.parse().unwrap(), &headers, trusted).to_string()
        };
        // Nobody is trusted: whoever connects is the caller.
        assert_eq!(from("10.0.0.1", &["203.0.113.7"], &[]), "10.0.0.1");
        assert_eq!(from("198.51.100.1", &["203.0.113.7"], &proxies), "198.51.100.1");
        assert_eq!(from("10.0.0.1", &["203.0.113.7"], &proxies), "203.0.113.7");
        // What the caller itself wrote stands first and counts for nothing.
        assert_eq!(
            from("10.0.0.1", &["192.0.2.1, 203.0.113.7"], &proxies),
            "203.0.113.7"
        );
        assert_eq!(
            from("10.0.0.1", &["192.0.2.1", "203.0.113.7, 10.9.9.9"], &proxies),
            "203.0.113.7"
        );
        assert_eq!(from("::1", &["203.0.113.7:4711"], &proxies), "203.0.113.7");
        assert_eq!(from("::1", &["[2001:db8::7]:4711"], &proxies), "2001:db8::7");
        assert_eq!(from("10.0.0.1", &["::ffff:203.0.113.7"], &proxies), "203.0.113.7");
        for odd in ["unknown", "", "203.0.113.7, not an address"] {
            assert_eq!(from("10.0.0.1", &[odd], &proxies), "10.0.0.1", "{odd:?}");
        }
        assert_eq!(from("10.0.0.1", &[], &proxies), "10.0.0.1");
    }
}
