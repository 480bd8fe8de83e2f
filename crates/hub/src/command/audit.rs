//! The audit log on the command line.

use std::io::Write;

use clap::{Args, Subcommand};
use hub_store::{AuditQuery, Store};
use jiff::Timestamp;
use values::CompanyId;

use super::CommandError;
use super::people::list;

#[derive(Debug, Subcommand)]
pub(super) enum AuditAction {
    /// List entries, the newest first.
    #[command(
        after_help = "Example: erp-hub audit list --tenant acme --action token.revoked --store sqlite:hub.db"
    )]
    List(ListAudit),
}

#[derive(Debug, Args)]
pub(super) struct ListAudit {
    /// Name or id of the tenant.
    #[arg(long)]
    tenant: String,
    /// Only of this action: token.added, import.discarded …
    #[arg(long, value_parser = parse_action)]
    action: Option<hub_store::AuditAction>,
    /// Only by this actor: "command line", "token erp_0123abcd", "agent a_0123".
    #[arg(long)]
    actor: Option<String>,
    /// Only about this: an id, a token's first characters, a company.
    #[arg(long)]
    subject: Option<String>,
    /// Only of this company.
    #[arg(long)]
    company: Option<String>,
    /// Not before this instant (2026-05-06T10:00:00Z).
    #[arg(long, value_name = "INSTANT")]
    from: Option<Timestamp>,
    /// Before this instant.
    #[arg(long, value_name = "INSTANT")]
    to: Option<Timestamp>,
    /// Only entries before the one with this number: the last of the page before.
    #[arg(long, value_name = "NUMBER")]
    before: Option<u64>,
    /// At most so many.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=1000))]
    limit: u32,
    /// As JSON.
    #[arg(long)]
    json: bool,
}

pub(super) fn audit(
    store: &dyn Store,
    action: AuditAction,
    out: &mut impl Write,
) -> Result<(), CommandError> {
    let AuditAction::List(asked) = action;
    let tenant = store.find_tenant(&asked.tenant)?;
    let query = AuditQuery {
        action: asked.action,
        actor: asked.actor,
        subject: asked.subject,
        companies: asked.company.map(|company| vec![CompanyId::new(company)]),
        from: asked.from,
        to: asked.to,
        before: asked.before,
        limit: asked.limit,
    };
    let page = store.audit(&tenant, &query)?;
    list(out, asked.json, &page.data, |entry| {
        let details = if entry.details.is_null() {
            "-".to_owned()
        } else {
            entry.details.to_string()
        };
        format!(
            "{}\t{}\t{}\t{}\t{}\t{}\t{}",
            entry.number,
            entry.at,
            entry.actor,
            entry.address.as_deref().unwrap_or("-"),
            entry.action.as_str(),
            entry.subject,
            details
        )
    })
}

fn parse_action(name: &str) -> Result<hub_store::AuditAction, String> {
    hub_store::AuditAction::from_name(name).ok_or_else(|| {
        let names = hub_store::AuditAction::ALL.map(hub_store::AuditAction::as_str);
        format!("use one of {}", names.join(", "))
    })
}
