//! The task of every hub: looks which webhooks have something to be told, when it is woken
//! and from time to time, and takes up those that nobody else tells.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use hub_store::{Claim, StoreError, WebhookId};
use tokio::task::JoinSet;
use values::TenantId;

use super::sender::Sender;
use super::tell::tell;
use crate::hub::Hub;

/// Between two looks without a word: what is due again is not told of.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Words come with every batch: looks are at least so far apart.
const APART: Duration = Duration::from_millis(50);
/// Webhooks that one process tells at a time.
const AT_A_TIME: usize = 32;
/// Of them, those of one tenant.
const OF_A_TENANT: usize = 4;

/// Tells webhooks until the hub stops; then what is on its way ends.
pub(crate) async fn run(hub: Hub) {
    let sender = match Sender::new(hub.webhooks()) {
        Ok(sender) => Arc::new(sender),
        Err(error) => return tracing::error!(%error, "webhooks are not sent: TLS cannot be set up"),
    };
    let owner = host::random::hex::<8>();
    let mut changed = hub.changed();
    let mut stopping = hub.stopping();
    let mut running: HashSet<(TenantId, WebhookId)> = HashSet::new();
    let mut telling: JoinSet<(TenantId, WebhookId)> = JoinSet::new();
    while !hub.is_stopping() {
        changed.mark_unchanged();
        match due(&hub).await {
            Ok(due) => {
                for (tenant, webhook) in due {
                    let its = (tenant.clone(), webhook.clone());
                    let same = running.iter().filter(|(other, _)| *other == tenant).count();
                    if telling.len() >= AT_A_TIME || same >= OF_A_TENANT || !running.insert(its.clone()) {
                        continue;
                    }
                    let claim = Claim {
                        tenant,
                        webhook,
                        owner: owner.clone(),
                    };
                    let (hub, sender) = (hub.clone(), Arc::clone(&sender));
                    telling.spawn(async move {
                        tell(hub, sender, claim).await;
                        its
                    });
                }
            }
            Err(error) => tracing::warn!(%error, "webhooks wait: the store failed"),
        }
        tokio::time::sleep(APART).await;
        tokio::select! {
            _ = changed.changed() => {}
            _ = stopping.changed() => {}
            Some(told) = telling.join_next() => match told {
                Ok(its) => { running.remove(&its); }
                Err(error) => {
                    tracing::error!(%error, "telling a webhook broke off");
                    // Which one it was is not known: whoever still runs keeps the others out.
                    running.clear();
                }
            },
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
    }
    while telling.join_next().await.is_some() {}
}

async fn due(hub: &Hub) -> Result<Vec<(TenantId, WebhookId)>, StoreError> {
    let now = hub.now();
    let limit = u32::try_from(2 * AT_A_TIME).unwrap_or(u32::MAX);
    hub.background(move |store| store.due_webhooks(limit, now)).await
}
