//! Tenants, codes, drivers and companies on the command line.

use std::io::Write;

use clap::{Args, Subcommand};
use hub_store::{Actor, AgentRole, Store};
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use serde_json::{Value, json};
use values::{AgentId, CompanyId, TenantId};

use super::{CommandError, confirmed, say};
use crate::prices::options::{self, Choices};
use crate::random;

#[derive(Debug, Subcommand)]
pub(super) enum TenantAction {
    /// Add a tenant; prints its id.
    #[command(after_help = "Example: erp-hub tenant add acme --store sqlite:hub.db")]
    Add {
        /// Its name.
        name: String,
    },
    /// List tenants.
    #[command(after_help = "Example: erp-hub tenant list --store sqlite:hub.db")]
    List {
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, Args)]
pub(super) struct EnrollCode {
    /// Name or id of the tenant.
    #[arg(long)]
    tenant: String,
    /// What the code is for: driver or query-manager.
    #[arg(long, default_value = "driver", value_parser = parse_role)]
    role: AgentRole,
    /// How long it can be used.
    #[arg(long, default_value = "24h", value_parser = parse_duration)]
    valid_for: SignedDuration,
}

#[derive(Debug, Subcommand)]
pub(super) enum CodeAction {
    /// List enrolment codes by their ids, the newest first.
    #[command(after_help = "Example: erp-hub code list --tenant acme --store sqlite:hub.db")]
    List {
        /// Name or id of the tenant.
        #[arg(long)]
        tenant: String,
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Take a code back that nobody has used.
    #[command(
        after_help = "A driver that has used one is revoked itself: `erp-hub agent revoke`.\n\n\
                      Example: erp-hub code revoke --tenant acme 0123456789ab --store sqlite:hub.db"
    )]
    Revoke {
        /// Name or id of the tenant.
        #[arg(long)]
        tenant: String,
        /// The code's id, or the code.
        code: String,
    },
}

#[derive(Debug, Subcommand)]
pub(super) enum AgentAction {
    /// List enrolled drivers.
    #[command(after_help = "Example: erp-hub agent list --tenant acme --store sqlite:hub.db")]
    List {
        /// Name or id of the tenant.
        #[arg(long)]
        tenant: String,
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Revoke a driver; it is refused from the next request on.
    #[command(after_help = "Example: erp-hub agent revoke --tenant acme a_0123 --store sqlite:hub.db")]
    Revoke {
        /// Name or id of the tenant.
        #[arg(long)]
        tenant: String,
        /// The driver's id.
        agent: String,
    },
}

#[derive(Debug, Subcommand)]
pub(super) enum CompanyAction {
    /// List companies and their drivers.
    #[command(after_help = "Example: erp-hub company list --tenant acme --store sqlite:hub.db")]
    List {
        /// Name or id of the tenant.
        #[arg(long)]
        tenant: String,
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Give a company to another driver; the former one loses its lease at once.
    #[command(
        after_help = "Example: erp-hub company move --tenant acme ABC --to a_0123 --store sqlite:hub.db"
    )]
    Move {
        /// Name or id of the tenant.
        #[arg(long)]
        tenant: String,
        /// The company.
        company: String,
        /// Id of the driver that takes it over.
        #[arg(long, value_name = "AGENT")]
        to: String,
    },
    /// What a company's prices are worked out by: shows the options, and chooses.
    #[command(
        after_help = "docs/prices.md has what each means. A choice counts from the next question on.\n\n\
                      Example: erp-hub company prices --tenant acme ABC --set markup_base=standard_price --store sqlite:hub.db"
    )]
    Prices {
        /// Name or id of the tenant.
        #[arg(long)]
        tenant: String,
        /// The company.
        company: String,
        /// Choose; repeat for several.
        #[arg(long, value_name = "OPTION=CHOICE", value_parser = parse_choice)]
        set: Vec<(String, Value)>,
        /// Take a choice back; repeat for several.
        #[arg(long, value_name = "OPTION")]
        unset: Vec<String>,
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Take a company out of the hub: its records, and whose it is. Documents stay.
    #[command(
        after_help = "Its driver has to be stopped or revoked, or to have no section for it any more. Places in the \
                      tenant's feed expire, so that whoever follows it starts again.\n\n\
                      Example: erp-hub company remove --tenant acme ABC --yes --store sqlite:hub.db"
    )]
    Remove {
        /// Name or id of the tenant.
        #[arg(long)]
        tenant: String,
        /// The company.
        company: String,
        /// Give up documents that are open. Those that may be in Sage are never given up so.
        #[arg(long)]
        discard_open: bool,
        /// Yes: its records shall go.
        #[arg(long)]
        yes: bool,
    },
}

pub(super) fn tenant(
    store: &dyn Store,
    action: TenantAction,
    now: Timestamp,
    out: &mut impl Write,
) -> Result<(), CommandError> {
    let name = match action {
        TenantAction::Add { name } => name,
        TenantAction::List { json } => {
            return list(out, json, &store.tenants()?, |t| {
                format!("{}\t{}\t{}", t.tenant, t.name, t.created_at)
            });
        }
    };
    let name = name.trim();
    if name.is_empty() || name.starts_with("t_") {
        return Err(CommandError::TenantName(name.to_owned()));
    }
    let id = random::tenant_id();
    store.add_tenant(&id, name, &Actor::command_line(), now)?;
    say(out, id)
}

pub(super) fn enroll_code(
    store: &dyn Store,
    options: EnrollCode,
    now: Timestamp,
    out: &mut impl Write,
) -> Result<(), CommandError> {
    let tenant = store.find_tenant(&options.tenant)?;
    let code = random::enrolment_code();
    let expires_at = now.checked_add(options.valid_for).unwrap_or(Timestamp::MAX);
    store.add_enrolment_code(
        &tenant,
        &code,
        options.role,
        expires_at,
        &Actor::command_line(),
        now,
    )?;
    say(out, code.reveal())
}

pub(super) fn code(
    store: &dyn Store,
    action: CodeAction,
    now: Timestamp,
    out: &mut impl Write,
) -> Result<(), CommandError> {
    match action {
        CodeAction::List { tenant, json } => {
            let codes = store.enrolment_codes(&store.find_tenant(&tenant)?)?;
            list(out, json, &codes, |c| {
                let standing = match c.used_at {
                    Some(at) => format!("used {at}"),
                    None if c.expires_at <= now => format!("expired {}", c.expires_at),
                    None => format!("open until {}", c.expires_at),
                };
                format!("{}\t{}\t{}\t{standing}", c.id, c.role.as_str(), c.created_at)
            })
        }
        CodeAction::Revoke { tenant, code } => {
            let tenant = store.find_tenant(&tenant)?;
            Ok(store.revoke_enrolment_code(&tenant, &code, &Actor::command_line(), now)?)
        }
    }
}

pub(super) fn agent(
    store: &dyn Store,
    action: AgentAction,
    now: Timestamp,
    out: &mut impl Write,
) -> Result<(), CommandError> {
    match action {
        AgentAction::List { tenant, json } => {
            let agents = store.agents(&store.find_tenant(&tenant)?)?;
            list(out, json, &agents, |a| {
                let contact = a
                    .last_contact_at
                    .map_or_else(|| "never".to_owned(), |at| at.to_string());
                format!(
                    "{}\t{}\t{}\t{}\t{contact}\t{}",
                    a.agent,
                    a.role.as_str(),
                    a.host,
                    a.version,
                    standing(a.revoked_at)
                )
            })
        }
        AgentAction::Revoke { tenant, agent } => Ok(store.revoke_agent(
            &store.find_tenant(&tenant)?,
            &AgentId::new(agent),
            &Actor::command_line(),
            now,
        )?),
    }
}

pub(super) fn company(
    store: &dyn Store,
    action: CompanyAction,
    now: Timestamp,
    out: &mut impl Write,
) -> Result<(), CommandError> {
    match action {
        CompanyAction::List { tenant, json } => {
            let companies = store.companies(&store.find_tenant(&tenant)?)?;
            list(out, json, &companies, |c| {
                format!(
                    "{}\t{}\t{}",
                    c.company,
                    c.agent,
                    c.time_zone.as_deref().unwrap_or("-")
                )
            })
        }
        CompanyAction::Remove {
            tenant,
            company,
            discard_open,
            yes,
        } => {
            confirmed(yes)?;
            let tenant = store.find_tenant(&tenant)?;
            let company = CompanyId::new(company);
            let removed =
                store.remove_company(&tenant, &company, discard_open, &Actor::command_line(), now)?;
            say(
                out,
                format!(
                    "{} records removed, {} documents given up",
                    removed.records, removed.documents
                ),
            )
        }
        CompanyAction::Prices {
            tenant,
            company,
            set,
            unset,
            json,
        } => {
            let tenant = store.find_tenant(&tenant)?;
            let company = CompanyId::new(company);
            let unset = unset.into_iter().map(|name| (name, Value::Null));
            let choices: Choices = set.into_iter().chain(unset).collect();
            options::check(&choices).map_err(CommandError::PriceOption)?;
            let by = Actor::command_line();
            let chosen = store.choose_price_options(&tenant, &company, &choices, &by, now)?;
            show_prices(&chosen, json, out)
        }
        CompanyAction::Move { tenant, company, to } => {
            let tenant = store.find_tenant(&tenant)?;
            Ok(store.move_company(
                &tenant,
                &CompanyId::new(company),
                &AgentId::new(to),
                &Actor::command_line(),
                now,
            )?)
        }
    }
}

fn show_prices(chosen: &Choices, json: bool, out: &mut impl Write) -> Result<(), CommandError> {
    let held = options::as_they_hold(chosen)?;
    if json {
        let text = serde_json::to_string_pretty(&json!({ "options": held, "chosen": chosen }));
        return say(out, text.map_err(|e| CommandError::io("writing JSON")(e.into()))?);
    }
    let held = held.as_object().cloned().unwrap_or_default();
    held.iter().try_for_each(|(name, value)| {
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let standing = if chosen.contains_key(name) {
            "chosen"
        } else {
            "unset"
        };
        say(out, format!("{name}\t{value}\t{standing}"))
    })
}

/// Which of them there are, is said later.
fn parse_choice(text: &str) -> Result<(String, Value), String> {
    let (name, choice) = text
        .split_once('=')
        .ok_or_else(|| "write OPTION=CHOICE, like rounding=once".to_owned())?;
    let choice = choice
        .parse::<u8>()
        .map_or_else(|_| Value::from(choice), Value::from);
    Ok((name.to_owned(), choice))
}

/// A company is known once a driver has claimed it; a mistyped one would make a token that
/// sees nothing.
pub(super) fn check_claimed(
    store: &dyn Store,
    (tenant, name): (&TenantId, String),
    companies: &[CompanyId],
) -> Result<(), CommandError> {
    let known = store.companies(tenant)?;
    let unknown = companies
        .iter()
        .find(|company| known.iter().all(|known| known.company != **company));
    match unknown {
        None => Ok(()),
        Some(company) => Err(CommandError::CompanyUnclaimed {
            tenant: name,
            company: company.clone(),
            known: known.into_iter().map(|known| known.company.to_string()).collect(),
        }),
    }
}

pub(super) fn list<T: Serialize>(
    out: &mut impl Write,
    json: bool,
    rows: &[T],
    line: impl Fn(&T) -> String,
) -> Result<(), CommandError> {
    if json {
        let text =
            serde_json::to_string_pretty(rows).map_err(|e| CommandError::io("writing JSON")(e.into()))?;
        return say(out, text);
    }
    rows.iter().try_for_each(|row| say(out, line(row)))
}

fn standing(revoked_at: Option<Timestamp>) -> String {
    revoked_at.map_or_else(|| "active".to_owned(), |at| format!("revoked {at}"))
}

fn parse_role(name: &str) -> Result<AgentRole, String> {
    AgentRole::from_name(name).ok_or_else(|| "use driver or query-manager".to_owned())
}

pub(super) fn parse_duration(text: &str) -> Result<SignedDuration, String> {
    let duration: SignedDuration = text
        .parse()
        .map_err(|_| "use a duration like 24h or 30m".to_owned())?;
    if duration.is_positive() {
        Ok(duration)
    } else {
        Err("use a duration above zero".to_owned())
    }
}
