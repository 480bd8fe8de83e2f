//! Messages as they travel, and what proves where they are from.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hub_store::{PendingEvent, WebhookId};
use jiff::Timestamp;
use ring::digest::{SHA256, digest};
use ring::hmac;
use serde_json::json;
use values::Secret;

/// Before the base64 of every secret.
pub(crate) const SECRET_PREFIX: &str = "whsec_";

/// The message's id. It follows from the event, so that it is the same at every repetition
/// and at every process; a later state of a record has another one.
pub(crate) fn message_id(webhook: &WebhookId, event: &PendingEvent) -> String {
    let position = event.position.to_string();
    let subject = &event.subject;
    let text = [
        webhook.as_str(),
        &subject.topic,
        &subject.company,
        &subject.key,
        &position,
    ]
    .join("\n");
    let digest = hex::encode(digest(&SHA256, text.as_bytes()));
    format!("msg_{}", digest.get(..32).unwrap_or(&digest))
}

/// What is sent.
pub(crate) fn body(event: &PendingEvent) -> Vec<u8> {
    let body = json!({ "type": event.event, "timestamp": event.at, "data": event.data });
    body.to_string().into_bytes()
}

/// The header `webhook-signature`: one signature of each secret.
pub(crate) fn signatures(secrets: &[Secret], id: &str, at: Timestamp, body: &[u8]) -> String {
    let mut signed = format!("{id}.{}.", at.as_second()).into_bytes();
    signed.extend_from_slice(body);
    let one = |secret: &Secret| {
        let key = secret
            .reveal()
            .strip_prefix(SECRET_PREFIX)
            .unwrap_or(secret.reveal());
        // A secret of the hub's own making is base64; another is taken as it is.
        let key = STANDARD.decode(key).unwrap_or_else(|_| key.as_bytes().to_vec());
        let key = hmac::Key::new(hmac::HMAC_SHA256, &key);
        format!("v1,{}", STANDARD.encode(hmac::sign(&key, &signed)))
    };
    secrets.iter().map(one).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use hub_store::{Subject, WebhookEvent};

    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(seconds).unwrap()
    }

    /// Computed with Python's hmac and hashlib; the first is an example of the convention's.
    #[test]
    fn signatures_are_those_of_another_program() {
        let ascending = |from: u8| {
            let bytes: Vec<u8> = (from..from + 32).collect();
            Secret::new(format!("whsec_{}", STANDARD.encode(bytes)))
        };
        let known = Secret::new("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
        let record = "{\"type\":\"record.changed\",\"data\":{\"key\":\"é\"}}".as_bytes();
        for (secret, id, second, body, wanted) in [
            (
                &known,
                "msg_p5jXN8AQM9LWM0D4loKWxJek",
                1_614_265_330,
                b"{\"test\": 2432232314}".as_slice(),
                "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
            ),
            (
                &ascending(0),
                "msg_1",
                1_777_777_777,
                record,
                "v1,LQ1mBXZSwxWtnHSd6OncnGX/nB2TdA5tE91AFJ9Xd5s=",
            ),
            (
                &ascending(0),
                "msg_2",
                0,
                b"".as_slice(),
                "v1,n5zxUNLhZjudN9+6Nrv6eR3PL0jbD2CUcvvGZoey+Is=",
            ),
        ] {
            let signed = signatures(std::slice::from_ref(secret), id, at(second), body);
            assert_eq!(signed, wanted, "{id}");
        }
        let both = signatures(
            &[ascending(100), ascending(0)],
            "msg_1",
            at(1_777_777_777),
            record,
        );
        assert_eq!(
            both,
            "v1,Xf10oc3pBKJaSGPUs9xoPDT/hUhvKnzGwMnsvfuGypc= v1,LQ1mBXZSwxWtnHSd6OncnGX/nB2TdA5tE91AFJ9Xd5s="
        );
    }

    #[test]
    fn an_id_follows_from_the_event_alone() {
        let webhook = WebhookId::new("wh_0123");
        let event = |position, attempts| PendingEvent {
            subject: Subject {
                topic: "items".into(),
                company: "ABC".into(),
                key: "1001".into(),
            },
            event: WebhookEvent::RecordChanged,
            position,
            at: at(1_777_777_777),
            attempts,
            waits_until: None,
            data: json!({ "key": "1001" }),
        };
        let id = message_id(&webhook, &event(42, 0));
        assert_eq!(id, "msg_c2da5bf918dac1ddf80e0a1314fbf360");
        assert_eq!(message_id(&webhook, &event(42, 7)), id);
        assert_ne!(message_id(&webhook, &event(43, 0)), id);
        assert_ne!(message_id(&WebhookId::new("wh_0124"), &event(42, 0)), id);
        assert_eq!(
            String::from_utf8(body(&event(42, 0))).unwrap(),
            "{\"data\":{\"key\":\"1001\"},\"timestamp\":\"2026-05-03T03:09:37Z\",\"type\":\"record.changed\"}"
        );
    }
}
