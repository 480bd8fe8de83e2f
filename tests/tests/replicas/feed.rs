//! Who follows the feed of one tenant.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use reqwest::Method;

use crate::Chance;
use crate::client::{Clock, Hubs};

/// Records by company and key: the version that they have, or none when they are gone.
pub(crate) type View = BTreeMap<(String, String), Option<u64>>;

/// Reads on and on; what it knows in the end.
pub(crate) async fn follow(hubs: Hubs, token: String, clock: Arc<Clock>) -> View {
    let mut chance = Chance(0);
    let mut view = View::new();
    let mut newest: BTreeMap<(String, String), u64> = BTreeMap::new();
    let mut since = String::new();
    loop {
        let is_last = clock.are_readers_home();
        let path = format!("/v1/changes?since={since}&limit=20");
        let (status, page) = hubs
            .insist(&mut chance, Method::GET, &path, &token, &[], None)
            .await;
        assert_eq!(status, 200, "{page}");
        let changes = page["data"].as_array().unwrap();
        for change in changes {
            let text = |name: &str| change[name].as_str().unwrap().to_owned();
            let place = (text("company"), text("key"));
            let version = change["record"]["item_code_desc"].as_str().map(version_of);
            if let Some(version) = version {
                let before = newest.insert(place.clone(), version);
                assert!(
                    before.is_none_or(|before| before <= version),
                    "{place:?} went back: {before:?} {change}"
                );
            }
            view.insert(place, version);
        }
        page["next_cursor"].as_str().unwrap().clone_into(&mut since);
        if page["has_more"] == false {
            if is_last {
                return view;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

/// `item_code_desc v12 é` is of version 12.
pub(crate) fn version_of(text: &str) -> u64 {
    let (_, version) = text.split_once(" v").unwrap();
    version.split(' ').next().unwrap().parse().unwrap()
}
