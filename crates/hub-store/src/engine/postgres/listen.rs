//! A connection that hears what other processes say, for as long as the store is open.

use std::future::poll_fn;
use std::pin::pin;
use std::time::Duration;

use tokio_postgres::AsyncMessage;

use super::address::Address;
use crate::wake::{Listeners, Wake};

/// The channel; hubs in other schemas of the database wake one another without harm.
pub(super) const NOTIFY: &str = "SELECT pg_notify('erp_hub', told) FROM unnest(CAST(? AS TEXT[])) AS told";
const LISTEN: &str = "LISTEN erp_hub";
/// Between two attempts to connect; waiting calls look by themselves meanwhile.
const AGAIN: Duration = Duration::from_secs(1);

/// Listens for ever.
pub(super) async fn listen(address: Address, listeners: Listeners) {
    loop {
        // Why it ended shows in other calls of the store's.
        let _ended = listen_once(&address, &listeners).await;
        tokio::time::sleep(AGAIN).await;
    }
}

async fn listen_once(address: &Address, listeners: &Listeners) -> Result<(), tokio_postgres::Error> {
    let (client, mut connection) = address.config.connect(address.tls.clone()).await?;
    let mut listening = pin!(client.batch_execute(LISTEN));
    let mut listens = false;
    loop {
        tokio::select! {
            done = &mut listening, if !listens => {
                done?;
                listens = true;
                // Words may have been missed before.
                listeners.tell(Wake::all());
            }
            message = poll_fn(|context| connection.poll_message(context)) => match message {
                Some(Ok(AsyncMessage::Notification(told))) => listeners.tell(Wake::parse(told.payload())),
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(error),
                None => return Ok(()),
            },
        }
    }
}
