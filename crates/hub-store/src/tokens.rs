//! API tokens: what they are good for and what can be shown of them.

use catalog::Class;
use ipnet::IpNet;
use jiff::Timestamp;
use serde::Serialize;
use values::{CompanyId, TenantId};

use crate::TokenScope;

/// What an API token is good for. It never changes: another grant is another token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenGrant {
    /// For people: who uses it, for what.
    pub name: String,
    /// What it may do.
    pub scope: TokenScope,
    /// Companies that it sees; None means all, later ones too.
    pub companies: Option<Vec<CompanyId>>,
    /// Classes of fields that it reads.
    pub classes: Vec<Class>,
    /// Networks from which it is taken; none means from anywhere.
    pub addresses: Vec<IpNet>,
    /// Until when it is taken.
    pub expires_at: Option<Timestamp>,
}

impl Default for TokenGrant {
    /// Reads public fields of all companies, from anywhere, until it is revoked.
    fn default() -> Self {
        Self {
            name: String::new(),
            scope: TokenScope::Read,
            companies: None,
            classes: vec![Class::Public],
            addresses: Vec::new(),
            expires_at: None,
        }
    }
}

/// What can be shown of an API token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ApiTokenInfo {
    /// First characters of the token: enough to name it, useless for asking.
    pub prefix: String,
    /// For people.
    pub name: String,
    /// What it may do.
    pub scope: TokenScope,
    /// Companies that it sees; None means all.
    pub companies: Option<Vec<CompanyId>>,
    /// Classes of fields that it reads.
    pub classes: Vec<&'static str>,
    /// Networks from which it is taken; none means from anywhere.
    pub addresses: Vec<IpNet>,
    /// When it was made.
    pub created_at: Timestamp,
    /// Until when it is taken.
    pub expires_at: Option<Timestamp>,
    /// When it was last used, to a minute or so.
    pub last_used_at: Option<Timestamp>,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
}

/// Asks for tokens, the oldest first.
#[derive(Clone, Debug, Default)]
pub struct TokenQuery {
    /// Those behind the one that was made then and begins so.
    pub after: Option<(Timestamp, String)>,
    /// With those that were revoked.
    pub revoked: bool,
    /// At most so many.
    pub limit: u32,
}

/// A token was used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenUse {
    /// Whose.
    pub tenant: TenantId,
    /// SHA-256 of the token.
    pub token: [u8; 32],
    /// When.
    pub at: Timestamp,
}

/// A network in CIDR notation, or a single address, as people write them.
///
/// # Errors
/// A sentence that says what to write.
pub fn parse_network(text: &str) -> Result<IpNet, String> {
    let text = text.trim();
    let network = text
        .parse::<IpNet>()
        .or_else(|_| text.parse::<std::net::IpAddr>().map(IpNet::from));
    network
        .map(|network| network.trunc())
        .map_err(|_| format!("{text:?} is no address and no network: write 203.0.113.7 or 203.0.113.0/24"))
}

#[cfg(test)]
mod tests {
    use super::parse_network;

    #[test]
    fn networks_are_read_as_people_write_them() {
        for (text, wanted) in [
            ("203.0.113.7", "203.0.113.7/32"),
            (" 203.0.113.9/24 ", "203.0.113.0/24"),
            ("2001:db8::1", "2001:db8::1/128"),
            ("0.0.0.0/0", "0.0.0.0/0"),
        ] {
            assert_eq!(parse_network(text).unwrap().to_string(), wanted);
        }
        for text in ["", "203.0.113", "203.0.113.0/33", "shop.example.com"] {
            assert!(
                parse_network(text).unwrap_err().contains("203.0.113.0/24"),
                "{text}"
            );
        }
    }
}
