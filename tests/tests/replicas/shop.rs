//! A shop: posts orders for its companies, sends again what got no answer, and waits until
//! each of them is written.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use reqwest::Method;
use serde_json::json;

use crate::Chance;
use crate::client::{Clock, Hubs};

/// By idempotency key: the import's id, and the number that the shop is told in the end.
pub(crate) type End = BTreeMap<String, (String, String)>;

pub(crate) struct Shop {
    hubs: Hubs,
    token: String,
    companies: Vec<String>,
    chance: Chance,
}

impl Shop {
    pub(crate) fn new(hubs: &Hubs, token: String, companies: Vec<String>, chance: Chance) -> Self {
        Self {
            hubs: hubs.clone(),
            token,
            companies,
            chance,
        }
    }

    pub(crate) async fn trade(mut self, clock: Arc<Clock>) -> End {
        let mut ids = BTreeMap::new();
        while !clock.are_shops_closed() {
            let company = self.companies[self.chance.place(self.companies.len())].clone();
            let key = format!("{company}-{}", ids.len());
            let order = json!({
                "company": company,
                "customer": { "ar_division_no": "01", "customer_no": "ABF" },
                "customer_po_no": key,
                "lines": [{ "item_code": "1001-HON-H252", "quantity_ordered": "2" }],
            });
            let headers = [("Idempotency-Key", key.as_str())];
            let (status, body) = self
                .hubs
                .insist(
                    &mut self.chance,
                    Method::POST,
                    "/v1/sales_orders",
                    &self.token,
                    &headers,
                    Some(&order),
                )
                .await;
            // Its driver has not come for the first time yet.
            if status == 403 || status == 422 {
                assert!(ids.is_empty() || body["code"] == "company_unknown", "{body}");
                tokio::time::sleep(Duration::from_millis(200)).await;
                continue;
            }
            assert!(status == 202 || status == 200, "{status} {body}");
            ids.insert(key, body["id"].as_str().unwrap().to_owned());
            tokio::time::sleep(Duration::from_millis(100 + self.chance.below(900))).await;
        }
        let mut end = End::new();
        for (key, id) in ids {
            let number = self.number_of(&id).await;
            end.insert(key, (id, number));
        }
        end
    }

    async fn number_of(&mut self, id: &str) -> String {
        let path = format!("/v1/imports/{id}");
        loop {
            let (status, import) = self
                .hubs
                .insist(&mut self.chance, Method::GET, &path, &self.token, &[], None)
                .await;
            assert_eq!(status, 200, "{import}");
            if import["state"] == "written" {
                return import["sales_order_no"].as_str().unwrap().to_owned();
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }
}
