//! Webhooks on the command line.

use std::io::Write;

use catalog::Class;
use clap::{Args, Subcommand};
use hub_store::{
    NewWebhook, ReplayFrom, SqlStore, Store as _, StoreError, TenantScope, Wants, Webhook, WebhookEdit,
    WebhookEvent, WebhookId, Webhooks as _,
};
use jiff::Timestamp;
use serde_json::{Value, json};
use values::{CompanyId, DatasetName};

use super::people::{check_claimed, list};
use super::tokens::parse_class;
use super::{CommandError, say};
use crate::cursor::Feed;
use crate::public::webhooks::{show, show_delivery, usual};
use crate::random;
use crate::webhooks::FORMER_SECRET_FOR;
use crate::webhooks::address::check_url;

/// Deliveries that are shown.
const DELIVERIES: u32 = 20;

#[derive(Debug, Subcommand)]
pub(super) enum WebhookAction {
    /// Make a webhook; prints its id and its secret, which is not shown again.
    #[command(
        after_help = "Example: erp-hub webhook add --tenant acme https://shop.example/hooks/erp --dataset items --store sqlite:hub.db"
    )]
    Add(Add),
    /// List webhooks and how they stand.
    #[command(after_help = "Example: erp-hub webhook list --tenant acme --store sqlite:hub.db")]
    List {
        /// Name or id of the tenant.
        #[arg(long)]
        tenant: String,
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Show a webhook and what was sent to it lately, as JSON.
    #[command(
        after_help = "Example: erp-hub webhook show --tenant acme wh_0123456789abcdef --store sqlite:hub.db"
    )]
    Show(One),
    /// Give a webhook another secret and print it; the present one signs, too, for 24 hours.
    #[command(
        after_help = "Example: erp-hub webhook rotate --tenant acme wh_0123456789abcdef --store sqlite:hub.db"
    )]
    Rotate(One),
    /// Send a test; prints the key with which it stands in the webhook's deliveries.
    #[command(
        after_help = "Example: erp-hub webhook test --tenant acme wh_0123456789abcdef --store sqlite:hub.db"
    )]
    Test(One),
    /// Send again, from a place in the feed.
    #[command(
        after_help = "Example: erp-hub webhook replay --tenant acme wh_0123456789abcdef --time 2026-05-06T00:00:00Z --store sqlite:hub.db"
    )]
    Replay {
        #[command(flatten)]
        one: One,
        /// Behind this cursor of the feed; blank for the very start.
        #[arg(long, value_name = "CURSOR")]
        since: Option<String>,
        /// What the hub stored at this instant or later.
        #[arg(long)]
        time: Option<Timestamp>,
        /// Nothing of what is behind.
        #[arg(long)]
        skip: bool,
    },
    /// Switch a webhook on; it goes on where it stood.
    #[command(
        after_help = "Example: erp-hub webhook enable --tenant acme wh_0123456789abcdef --store sqlite:hub.db"
    )]
    Enable(One),
    /// Switch a webhook off.
    #[command(
        after_help = "Example: erp-hub webhook disable --tenant acme wh_0123456789abcdef --store sqlite:hub.db"
    )]
    Disable(One),
    /// Remove a webhook with all that it has still to be told.
    #[command(
        after_help = "Example: erp-hub webhook remove --tenant acme wh_0123456789abcdef --store sqlite:hub.db"
    )]
    Remove(One),
}

#[derive(Debug, Args)]
pub(super) struct Add {
    /// Where messages go.
    url: String,
    /// Name or id of the tenant.
    #[arg(long)]
    tenant: String,
    /// For people.
    #[arg(long, default_value = "")]
    description: String,
    /// Kinds of events: record.changed, record.deleted, import.state_changed; all when none is named.
    #[arg(long, value_delimiter = ',', value_parser = parse_event)]
    events: Vec<WebhookEvent>,
    /// Only records of this dataset; repeat for several.
    #[arg(long)]
    dataset: Vec<String>,
    /// Only of this company; repeat for several.
    #[arg(long)]
    company: Vec<String>,
    /// Classes of fields in messages: public, personal, cost, credit.
    #[arg(long, value_delimiter = ',', default_value = "public", value_parser = parse_class)]
    classes: Vec<Class>,
    /// Take private addresses and http://, too, for a hub that is served so.
    #[arg(long, env = "ERP_HUB_ALLOW_PRIVATE_WEBHOOKS")]
    allow_private_webhooks: bool,
    /// As JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub(super) struct One {
    /// The webhook's id.
    webhook: String,
    /// Name or id of the tenant.
    #[arg(long)]
    tenant: String,
    /// As JSON.
    #[arg(long)]
    json: bool,
}

/// A webhook and whose scope acts on it.
struct Named {
    scope: TenantScope,
    id: WebhookId,
    json: bool,
}

impl One {
    fn find(&self, store: &SqlStore) -> Result<Named, StoreError> {
        Ok(Named {
            scope: store.operator(&store.find_tenant(&self.tenant)?),
            id: WebhookId::new(self.webhook.as_str()),
            json: self.json,
        })
    }
}

pub(super) fn webhook(
    store: &SqlStore,
    action: WebhookAction,
    now: Timestamp,
    out: &mut impl Write,
) -> Result<(), CommandError> {
    match action {
        WebhookAction::Add(options) => add(store, options, now, out),
        WebhookAction::List { tenant, json } => {
            let scope = store.operator(&store.find_tenant(&tenant)?);
            let all = store.webhooks(&scope)?;
            let all: Vec<Value> = all.iter().map(|webhook| show(store, &scope, webhook)).collect();
            list(out, json, &all, line)
        }
        WebhookAction::Show(one) => {
            let Named { scope, id, .. } = one.find(store)?;
            let mut shown = show(store, &scope, &store.webhook(&scope, &id)?);
            let sent = store.webhook_deliveries(&scope, &id, DELIVERIES)?;
            shown["deliveries"] = sent.iter().map(show_delivery).collect();
            print(out, &shown)
        }
        WebhookAction::Rotate(one) => {
            let Named { scope, id, json } = one.find(store)?;
            let secret = random::webhook_secret();
            let rotated = store.rotate_webhook(&scope, &id, &secret, now + FORMER_SECRET_FOR, now)?;
            if !json {
                return say(out, secret.reveal());
            }
            let mut shown = show(store, &scope, &rotated);
            shown["secret"] = secret.reveal().into();
            print(out, &shown)
        }
        WebhookAction::Test(one) => {
            let Named { scope, id, json } = one.find(store)?;
            let test = random::webhook_test();
            store.test_webhook(&scope, &id, &test, now)?;
            if json {
                print(out, &json!({ "test": test }))
            } else {
                say(out, test)
            }
        }
        WebhookAction::Replay {
            one,
            since,
            time,
            skip,
        } => {
            let named = one.find(store)?;
            let from = match (since.as_deref(), time, skip) {
                (Some(""), None, false) => ReplayFrom::Position { after: 0, begun: 0 },
                (Some(cursor), None, false) => {
                    let feed = Feed {
                        store: store.id(),
                        tenant: named.scope.tenant(),
                    };
                    let (after, begun) = feed.read(cursor).map_err(|_| StoreError::FeedExpired)?;
                    ReplayFrom::Position { after, begun }
                }
                (None, Some(time), false) => ReplayFrom::Time(time),
                (None, None, true) => ReplayFrom::Now,
                _ => return Err(CommandError::Replay),
            };
            let replayed = store.replay_webhook(&named.scope, &named.id, from, now)?;
            told(store, &named, &replayed, out)
        }
        WebhookAction::Enable(one) => switch(store, &one, true, now, out),
        WebhookAction::Disable(one) => switch(store, &one, false, now, out),
        WebhookAction::Remove(one) => {
            let named = one.find(store)?;
            let removed = store.remove_webhook(&named.scope, &named.id, now)?;
            told(store, &named, &removed, out)
        }
    }
}

fn add(store: &SqlStore, options: Add, now: Timestamp, out: &mut impl Write) -> Result<(), CommandError> {
    let tenant = store.find_tenant(&options.tenant)?;
    let url = check_url(&options.url, options.allow_private_webhooks);
    let url = url.map_err(|refusal| CommandError::Webhook {
        code: refusal.code(),
        detail: refusal.detail().to_owned(),
    })?;
    let companies: Vec<_> = options.company.into_iter().map(CompanyId::new).collect();
    check_claimed(store, (&tenant, options.tenant), &companies)?;
    let scope = store.operator(&tenant);
    let dataset =
        |name: &String| -> Result<DatasetName, StoreError> { Ok(store.dataset(&scope, name)?.name.clone()) };
    let datasets: Vec<_> = options.dataset.iter().map(dataset).collect::<Result<_, _>>()?;
    let usual = usual();
    let new = NewWebhook {
        url: url.into(),
        description: options.description,
        wants: Wants {
            events: if options.events.is_empty() {
                usual.events
            } else {
                options.events
            },
            datasets: (!datasets.is_empty()).then_some(datasets),
            companies: (!companies.is_empty()).then_some(companies),
            classes: options.classes,
        },
        secret: random::webhook_secret(),
    };
    let added = store.add_webhook(&scope, &random::webhook_id(), &new, now)?;
    if !options.json {
        say(out, &added.id)?;
        return say(out, new.secret.reveal());
    }
    let mut shown = show(store, &scope, &added);
    shown["secret"] = new.secret.reveal().into();
    print(out, &shown)
}

fn switch(
    store: &SqlStore,
    one: &One,
    active: bool,
    now: Timestamp,
    out: &mut impl Write,
) -> Result<(), CommandError> {
    let named = one.find(store)?;
    let edit = WebhookEdit {
        active: Some(active),
        ..WebhookEdit::default()
    };
    let edited = store.edit_webhook(&named.scope, &named.id, &edit, now)?;
    told(store, &named, &edited, out)
}

/// The webhook, where it was asked for.
fn told(
    store: &SqlStore,
    named: &Named,
    webhook: &Webhook,
    out: &mut impl Write,
) -> Result<(), CommandError> {
    if named.json {
        print(out, &show(store, &named.scope, webhook))
    } else {
        Ok(())
    }
}

fn print(out: &mut impl Write, value: &Value) -> Result<(), CommandError> {
    say(out, format_args!("{value:#}"))
}

/// A webhook on one line.
fn line(shown: &Value) -> String {
    let text = |name: &str| shown[name].as_str().unwrap_or("-").to_owned();
    format!(
        "{}\t{}\t{}\t{}\t{} waiting",
        text("id"),
        text("url"),
        text("state"),
        text("reason"),
        shown["waiting"]
    )
}

fn parse_event(name: &str) -> Result<WebhookEvent, String> {
    WebhookEvent::from_name(name)
        .filter(|event| WebhookEvent::CHOICES.contains(event))
        .ok_or_else(|| "use record.changed, record.deleted or import.state_changed".to_owned())
}
