//! Becoming known, and proving it.

use axum::Json;
use axum::extract::State;
use jiff::SignedDuration;
use ring::signature::{ED25519, UnparsedPublicKey};
use wire::agent::{Enroll, Enrolled, PROTOCOL, Token, TokenRequest, code};

use crate::address::Address;
use crate::error::ApiError;
use crate::hub::Hub;
use crate::random;
use crate::request::Body;

/// Short, so that a stolen token is soon worth nothing; a signature renews it.
const TOKEN_LIFE_S: u64 = 15 * 60;
/// Longer than any clock drifts that is set by a time server at all.
const CLOCK_SLACK_S: u64 = 5 * 60;
/// Words for people (host, version).
const MAX_WORD_BYTES: usize = 255;

pub(crate) async fn enroll(
    State(hub): State<Hub>,
    Address(from): Address,
    Body(request): Body<Enroll>,
) -> Result<Json<Enrolled>, ApiError> {
    if request.protocol != PROTOCOL {
        let detail = format!(
            "the driver speaks protocol {}, this hub {PROTOCOL}",
            request.protocol
        );
        return Err(ApiError::new(code::PROTOCOL_UNSUPPORTED, detail));
    }
    if bytes::<32>(&request.public_key).is_none() {
        return Err(ApiError::new("body_invalid", "public_key is not 64 hex digits"));
    }
    if request.host.len().max(request.version.len()) > MAX_WORD_BYTES {
        return Err(ApiError::new("body_invalid", "host or version is too long"));
    }
    let (agent, now) = (random::agent_id(), hub.now());
    let enrolled = hub
        .call(move |store| store.enroll(&request, &agent, from, now))
        .await?;
    tracing::info!(tenant = %enrolled.tenant, agent = %enrolled.agent, "agent enrolled");
    Ok(Json(enrolled))
}

pub(crate) async fn token(
    State(hub): State<Hub>,
    Body(request): Body<TokenRequest>,
) -> Result<Json<Token>, ApiError> {
    let now = hub.now();
    let agent = request.agent.clone();
    let key = hub.call(move |store| store.agent_key(&agent)).await?;
    let text = TokenRequest::signed_text(&request.agent, request.at, &request.nonce);
    let proven = match (bytes::<32>(&key.public_key), bytes::<64>(&request.signature)) {
        (Some(key), Some(signature)) => UnparsedPublicKey::new(&ED25519, key)
            .verify(text.as_bytes(), &signature)
            .is_ok(),
        (None, _) | (_, None) => false,
    };
    if !proven {
        return Err(ApiError::new(
            "signature_invalid",
            "the signature is not the enrolled key's",
        ));
    }
    // From here on the agent itself asks, and may be told more.
    if key.revoked {
        return Err(ApiError::new(
            code::AGENT_REVOKED,
            format!("agent {} was revoked", request.agent),
        ));
    }
    let off_s = now.as_second().abs_diff(request.at);
    if off_s > CLOCK_SLACK_S {
        let detail = format!(
            "the request is dated {off_s} s from the hub's clock, which shows {now} (hub_time {})",
            now.as_second()
        );
        return Err(ApiError::new(code::CLOCK_OFF, detail));
    }
    if bytes::<16>(&request.nonce).is_none() || request.version.len() > MAX_WORD_BYTES {
        return Err(ApiError::new(
            "body_invalid",
            "nonce is not 32 hex digits, or version is too long",
        ));
    }
    let token = random::agent_token();
    let stored = token.clone();
    let life = SignedDuration::from_secs(i64::try_from(TOKEN_LIFE_S).unwrap_or(0));
    let expires_at = now.checked_add(life).unwrap_or(now);
    hub.call(move |store| {
        store.issue_agent_token(
            &request.agent,
            &request.nonce,
            &request.version,
            &stored,
            expires_at,
            now,
        )
    })
    .await?;
    Ok(Json(Token {
        token,
        expires_in_s: TOKEN_LIFE_S,
        hub_time: now.as_second(),
    }))
}

fn bytes<const N: usize>(text: &str) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    hex::decode_to_slice(text, &mut bytes).ok()?;
    Some(bytes)
}
