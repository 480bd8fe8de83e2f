//! Fields that the hub computes.

use super::Site;
use crate::Store;

pub(super) fn check(store: &dyn Store) {
    let _site = Site::new(store, "derived");
}
