//! Who is told of one tenant: by webhooks, at a receiver that now and then fails.

use std::collections::BTreeMap;
use std::time::Duration;

use reqwest::Method;
use serde_json::json;

use crate::Chance;
use crate::client::Hubs;
use crate::feed::{View, version_of};
use crate::receiver::{Message, Reaction, Receiver};

/// Waits between repetitions are short, and receivers are on loopback.
pub(crate) const ALLOWED: [(&str, &str); 2] = [
    ("ERP_HUB_ALLOW_PRIVATE_WEBHOOKS", "true"),
    ("ERP_HUB_WEBHOOK_RETRIES", "100ms,300ms,1s"),
];

pub(crate) struct Subscriber {
    hubs: Hubs,
    token: String,
    webhook: String,
    receiver: Receiver,
}

/// What a subscriber was told in the end.
#[derive(Default)]
pub(crate) struct Told {
    pub(crate) records: View,
    /// Orders that were written, by import: their numbers.
    pub(crate) written: BTreeMap<String, String>,
}

impl Subscriber {
    pub(crate) async fn subscribe(hubs: &Hubs, token: String, mut chance: Chance) -> Self {
        let mut moods = chance.clone();
        let receiver = Receiver::new(move |_| match moods.below(20) {
            0 => Reaction::Answer(500),
            1 => Reaction::Drop,
            _ => Reaction::Take,
        });
        let body = json!({
            "url": receiver.url(), "datasets": ["items"],
            "events": ["record.changed", "record.deleted", "import.state_changed"],
        });
        let (status, made) = hubs
            .insist(
                &mut chance,
                Method::POST,
                "/v1/webhooks",
                &token,
                &[],
                Some(&body),
            )
            .await;
        assert_eq!(status, 201, "{made}");
        Self {
            hubs: hubs.clone(),
            token,
            webhook: made["id"].as_str().unwrap().to_owned(),
            receiver,
        }
    }

    /// Waits until there is nothing left to tell.
    pub(crate) async fn told(self) -> Told {
        let mut chance = Chance(0);
        let path = format!("/v1/webhooks/{}", self.webhook);
        loop {
            let (status, standing) = self
                .hubs
                .insist(&mut chance, Method::GET, &path, &self.token, &[], None)
                .await;
            // A message that just met a receiver that drops it makes it failing for a moment.
            let lasts = ["active", "failing"]
                .iter()
                .any(|state| standing["state"] == *state);
            assert!(status == 200 && lasts, "{status} {standing}");
            if standing["caught_up"] == true {
                break;
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        told(&self.receiver.messages())
    }
}

/// Each subject's messages come in their order, taken or not; the last one taken counts.
fn told(messages: &[Message]) -> Told {
    let mut newest: BTreeMap<String, u64> = BTreeMap::new();
    let mut told = Told::default();
    for message in messages {
        let data = &message.body["data"];
        let text = |name: &str| data[name].as_str().unwrap_or_default().to_owned();
        let is_import = message.body["type"] == "import.state_changed";
        let subject = if is_import { text("id") } else { message.of() };
        let before = newest.insert(subject.clone(), message.sequence()).unwrap_or(0);
        assert!(
            before <= message.sequence(),
            "{subject} went back from {before}: {}",
            message.text
        );
        if !message.taken {
            continue;
        }
        if is_import {
            if data["state"] == "written" {
                told.written.insert(text("id"), text("sales_order_no"));
            }
        } else {
            let version = data["record"]["item_code_desc"].as_str().map(version_of);
            told.records.insert((text("company"), text("key")), version);
        }
    }
    told
}
