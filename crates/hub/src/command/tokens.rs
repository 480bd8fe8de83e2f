//! Tokens of the API on the command line.

use std::io::Write;

use catalog::Class;
use clap::{Args, Subcommand};
use hub_store::{Actor, ApiTokenInfo, Store, TokenGrant, TokenScope, parse_network};
use ipnet::IpNet;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};
use values::CompanyId;

use super::people::{check_claimed, list};
use super::{CommandError, say};
use crate::random;

#[derive(Debug, Subcommand)]
pub(super) enum TokenAction {
    /// Make a token; prints it, once.
    #[command(
        after_help = "Example: erp-hub token add --tenant acme --scope read --name shop --expires 90d --store sqlite:hub.db"
    )]
    Add(AddToken),
    /// List tokens by their first characters.
    #[command(after_help = "Example: erp-hub token list --tenant acme --store sqlite:hub.db")]
    List {
        /// Name or id of the tenant.
        #[arg(long)]
        tenant: String,
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Show what a token is good for.
    #[command(after_help = "Example: erp-hub token show --tenant acme erp_0123abcd --store sqlite:hub.db")]
    Show {
        /// Name or id of the tenant.
        #[arg(long)]
        tenant: String,
        /// The token, or its first characters as `token list` shows them.
        token: String,
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Revoke a token; it is refused from the next request on.
    #[command(after_help = "Example: erp-hub token revoke --tenant acme erp_0123abcd --store sqlite:hub.db")]
    Revoke {
        /// Name or id of the tenant.
        #[arg(long)]
        tenant: String,
        /// The token, or its first characters as `token list` shows them.
        token: String,
    },
}

#[derive(Debug, Args)]
pub(super) struct AddToken {
    /// Name or id of the tenant.
    #[arg(long)]
    tenant: String,
    /// read, write (and read), support (and read), or admin (all of it, tokens and the audit log).
    #[arg(long, value_parser = parse_scope)]
    scope: TokenScope,
    /// Who uses it and for what; shown in lists.
    #[arg(long, default_value = "", hide_default_value = true)]
    name: String,
    /// Only these companies; repeat for several.
    #[arg(long)]
    company: Vec<String>,
    /// Also companies that no driver has claimed yet.
    #[arg(long)]
    unclaimed: bool,
    /// Classes of fields that it reads: public, personal, cost, credit.
    #[arg(long, value_delimiter = ',', default_value = "public", value_parser = parse_class)]
    classes: Vec<Class>,
    /// Until when it is taken: a time from now (90d, 1y), a date (0:00 UTC) or an instant. For ever when left out.
    #[arg(long, value_name = "WHEN", value_parser = Expiry::parse)]
    expires: Option<Expiry>,
    /// Only from this address or network (203.0.113.0/24); repeat for several.
    #[arg(long, value_name = "NETWORK", value_delimiter = ',', value_parser = parse_network)]
    address: Vec<IpNet>,
}

/// Until when a token is taken.
#[derive(Clone, Debug)]
enum Expiry {
    After(Span),
    At(Timestamp),
}

impl Expiry {
    fn parse(text: &str) -> Result<Self, String> {
        let odd =
            |_| "use a time from now like 90d, a date like 2027-01-31 or an instant of RFC 3339".to_owned();
        if let Ok(at) = text.parse::<Timestamp>() {
            return Ok(Self::At(at));
        }
        if let Ok(date) = text.parse::<Date>() {
            let midnight = date.to_zoned_datetime(TimeZone::UTC).map_err(odd)?;
            return Ok(Self::At(midnight.timestamp()));
        }
        text.parse::<Span>().map(Self::After).map_err(odd)
    }

    fn from(&self, now: Timestamp) -> Result<Timestamp, CommandError> {
        let at = match self {
            Self::At(at) => Some(*at),
            Self::After(span) => now
                .to_zoned_datetime(TimeZone::UTC)
                .checked_add(*span)
                .ok()
                .map(|at| at.timestamp()),
        };
        at.filter(|at| *at > now).ok_or(CommandError::ExpiryPast)
    }
}

pub(super) fn token(
    store: &dyn Store,
    action: TokenAction,
    now: Timestamp,
    out: &mut impl Write,
) -> Result<(), CommandError> {
    match action {
        TokenAction::Add(options) => add(store, options, now, out),
        TokenAction::List { tenant, json } => {
            let tokens = store.api_tokens(&store.find_tenant(&tenant)?)?;
            list(out, json, &tokens, |token| line(token, now))
        }
        TokenAction::Show { tenant, token, json } => {
            let info = store.api_token(&store.find_tenant(&tenant)?, &token)?;
            if json {
                let text = serde_json::to_string_pretty(&info);
                return say(out, text.map_err(|e| CommandError::io("writing JSON")(e.into()))?);
            }
            details(&info, now)
                .into_iter()
                .try_for_each(|(name, value)| say(out, format!("{name:<10} {value}")))
        }
        TokenAction::Revoke { tenant, token } => {
            store.revoke_api_token(&store.find_tenant(&tenant)?, &token, &Actor::command_line(), now)?;
            Ok(())
        }
    }
}

fn add(
    store: &dyn Store,
    options: AddToken,
    now: Timestamp,
    out: &mut impl Write,
) -> Result<(), CommandError> {
    let tenant = store.find_tenant(&options.tenant)?;
    let companies: Vec<_> = options.company.into_iter().map(CompanyId::new).collect();
    if !options.unclaimed {
        check_claimed(store, (&tenant, options.tenant), &companies)?;
    }
    let token = random::api_token();
    let grant = TokenGrant {
        name: options.name,
        scope: options.scope,
        companies: (!companies.is_empty()).then_some(companies),
        classes: options.classes,
        addresses: options.address,
        expires_at: options.expires.map(|expiry| expiry.from(now)).transpose()?,
    };
    store.add_api_token(&tenant, &token, &grant, &Actor::command_line(), now)?;
    say(out, token.reveal())
}

fn line(token: &ApiTokenInfo, now: Timestamp) -> String {
    format!(
        "{}…\t{}\t{}\t{}\t{}\t{}",
        token.prefix,
        token.scope.as_str(),
        token.created_at,
        standing(token, now),
        used(token),
        token.name
    )
}

fn details(token: &ApiTokenInfo, now: Timestamp) -> [(&'static str, String); 9] {
    let companies = token.companies.as_ref().map(|all| {
        let names: Vec<_> = all.iter().map(CompanyId::as_str).collect();
        names.join(", ")
    });
    let addresses: Vec<_> = token.addresses.iter().map(IpNet::to_string).collect();
    let or = |text: String, none: &str| if text.is_empty() { none.to_owned() } else { text };
    [
        ("token", format!("{}…", token.prefix)),
        ("name", or(token.name.clone(), "-")),
        ("scope", token.scope.as_str().to_owned()),
        ("companies", companies.unwrap_or_else(|| "all".to_owned())),
        ("classes", token.classes.join(", ")),
        ("addresses", or(addresses.join(", "), "any")),
        ("made", token.created_at.to_string()),
        ("standing", standing(token, now)),
        ("last used", used(token)),
    ]
}

fn standing(token: &ApiTokenInfo, now: Timestamp) -> String {
    match (token.revoked_at, token.expires_at) {
        (Some(at), _) => format!("revoked {at}"),
        (None, Some(at)) if at <= now => format!("expired {at}"),
        (None, Some(at)) => format!("active until {at}"),
        (None, None) => "active".to_owned(),
    }
}

fn used(token: &ApiTokenInfo) -> String {
    token
        .last_used_at
        .map_or_else(|| "never used".to_owned(), |at| format!("used {at}"))
}

fn parse_scope(name: &str) -> Result<TokenScope, String> {
    TokenScope::from_name(name).ok_or_else(|| "use read, write, support or admin".to_owned())
}

pub(super) fn parse_class(name: &str) -> Result<Class, String> {
    Class::from_name(name).ok_or_else(|| "use public, personal, cost or credit".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_ends_when_people_say() {
        let now: Timestamp = "2026-11-30T10:00:00Z".parse().unwrap();
        let ends = |text: &str| Expiry::parse(text).unwrap().from(now).map(|at| at.to_string());
        for (text, wanted) in [
            ("90d", "2027-02-28T10:00:00Z"),
            ("1y", "2027-11-30T10:00:00Z"),
            ("3mo", "2027-02-28T10:00:00Z"),
            ("36h", "2026-12-01T22:00:00Z"),
            ("2027-01-31", "2027-01-31T00:00:00Z"),
            ("2027-01-31T08:30:00-05:00", "2027-01-31T13:30:00Z"),
        ] {
            assert_eq!(ends(text).unwrap(), wanted, "{text}");
        }
        for past in ["2026-11-30", "-1d", "0h"] {
            assert!(matches!(ends(past), Err(CommandError::ExpiryPast)), "{past}");
        }
        for odd in ["soon", "90", "2027-13-01", ""] {
            assert!(Expiry::parse(odd).unwrap_err().contains("90d"), "{odd}");
        }
    }
}
