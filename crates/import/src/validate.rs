//! What can be seen to be wrong before Sage is asked: all problems at once.

use std::collections::BTreeMap;

use model::{Problem, SalesOrder, ShipTo};

/// What is known about an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ItemFacts {
    /// `InactiveItem`.
    pub is_inactive: bool,
    /// A kit that asks whether to explode: what Sage does without a screen is not known.
    pub is_prompting_kit: bool,
    /// `ItemType` 1: has stock in warehouses.
    pub is_stocked: bool,
}

/// What is known about a customer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CustomerFacts {
    /// `CustomerStatus`.
    pub is_inactive: bool,
}

/// The ERP's master data, as far as an order needs it.
pub trait Knowledge {
    /// Why it could not be asked.
    type Error;

    /// The item of this code, if there is one.
    ///
    /// # Errors
    /// When it could not be asked.
    fn item(&mut self, item_code: &str) -> Result<Option<ItemFacts>, Self::Error>;

    /// The customer, if there is one.
    ///
    /// # Errors
    /// When it could not be asked.
    fn customer(&mut self, division: &str, customer: &str) -> Result<Option<CustomerFacts>, Self::Error>;

    /// Does the customer have this ship-to address?
    ///
    /// # Errors
    /// When it could not be asked.
    fn has_ship_to(&mut self, division: &str, customer: &str, code: &str) -> Result<bool, Self::Error>;

    /// Is there such a warehouse?
    ///
    /// # Errors
    /// When it could not be asked.
    fn has_warehouse(&mut self, code: &str) -> Result<bool, Self::Error>;
}

/// All problems of an order that the ERP's master data show.
///
/// # Errors
/// When the master data could not be asked; nothing is known then.
pub fn validate<K: Knowledge>(order: &SalesOrder, knowledge: &mut K) -> Result<Vec<Problem>, K::Error> {
    let mut problems = Vec::new();
    let customer = &order.customer;
    let (division, number) = (customer.ar_division_no.as_str(), customer.customer_no.as_str());
    match knowledge.customer(division, number)? {
        None => problems.push(Problem::new(
            "customer_unknown",
            "customer.customer_no",
            format!("Sage has no customer {division}-{number}"),
            "send the division and number as Sage has them, or create the customer in Sage",
        )),
        Some(facts) => {
            if facts.is_inactive {
                problems.push(Problem::new(
                    "customer_inactive",
                    "customer.customer_no",
                    format!("customer {division}-{number} is inactive in Sage"),
                    "make the customer active in Customer Maintenance, or order for another one",
                ));
            }
            if let Some(ShipTo::Code(code)) = &order.ship_to
                && !knowledge.has_ship_to(division, number, code)?
            {
                problems.push(Problem::new(
                    "ship_to_unknown",
                    "ship_to.ship_to_code",
                    format!("customer {division}-{number} has no ship-to address {code}"),
                    "send a code that Sage has, or the address itself",
                ));
            }
        }
    }
    let mut warehouses = Warehouses {
        knowledge,
        known: BTreeMap::new(),
    };
    if let Some(code) = &order.warehouse_code {
        warehouses.check(code, "warehouse_code", &mut problems)?;
    }
    for (place, line) in order.lines.iter().enumerate() {
        if let Some(code) = &line.warehouse_code {
            warehouses.check(code, &format!("lines[{place}].warehouse_code"), &mut problems)?;
        }
    }
    let knowledge = warehouses.knowledge;
    let mut items: BTreeMap<&str, Option<ItemFacts>> = BTreeMap::new();
    for (place, line) in order.lines.iter().enumerate() {
        let code = line.item_code.as_str();
        let facts = match items.get(code) {
            Some(facts) => *facts,
            None => {
                let facts = knowledge.item(code)?;
                items.insert(code, facts);
                facts
            }
        };
        problems.extend(item_problem(code, facts, &format!("lines[{place}].item_code")));
    }
    Ok(problems)
}

fn item_problem(code: &str, facts: Option<ItemFacts>, field: &str) -> Option<Problem> {
    match facts {
        // Special items (`*…`) are made up as they are entered.
        None if code.starts_with('*') => None,
        None => Some(Problem::new(
            "item_unknown",
            field,
            format!("Sage has no item {code}"),
            "send the item code as Sage has it (case and blanks count), or create the item in Sage",
        )),
        Some(facts) if facts.is_inactive => Some(Problem::new(
            "item_inactive",
            field,
            format!("item {code} is inactive in Sage"),
            "make the item active in Item Maintenance, or order another one",
        )),
        Some(facts) if facts.is_prompting_kit => Some(Problem::new(
            "kit_prompts",
            field,
            format!("item {code} is a kit that asks on the screen whether to explode it"),
            "set Explode Kit Items to Always or Never for the item",
        )),
        Some(_) => None,
    }
}

struct Warehouses<'k, K> {
    knowledge: &'k mut K,
    known: BTreeMap<String, bool>,
}

impl<K: Knowledge> Warehouses<'_, K> {
    fn check(&mut self, code: &str, field: &str, problems: &mut Vec<Problem>) -> Result<(), K::Error> {
        let exists = match self.known.get(code) {
            Some(exists) => *exists,
            None => {
                let exists = self.knowledge.has_warehouse(code)?;
                self.known.insert(code.to_owned(), exists);
                exists
            }
        };
        if !exists {
            problems.push(Problem::new(
                "warehouse_unknown",
                field,
                format!("Sage has no warehouse {code}"),
                "send a warehouse code that Sage has, or leave it out",
            ));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Books;

    impl Knowledge for Books {
        type Error = std::convert::Infallible;

        fn item(&mut self, item_code: &str) -> Result<Option<ItemFacts>, Self::Error> {
            let facts = ItemFacts {
                is_inactive: false,
                is_prompting_kit: false,
                is_stocked: true,
            };
            Ok(match item_code {
                "OLD" => Some(ItemFacts {
                    is_inactive: true,
                    ..facts
                }),
                "KIT" => Some(ItemFacts {
                    is_prompting_kit: true,
                    ..facts
                }),
                "NONE" | "*SPECIAL" => None,
                _ => Some(facts),
            })
        }

        fn customer(&mut self, _: &str, customer: &str) -> Result<Option<CustomerFacts>, Self::Error> {
            Ok((customer != "NOBODY").then_some(CustomerFacts {
                is_inactive: customer == "GONE",
            }))
        }

        fn has_ship_to(&mut self, _: &str, _: &str, code: &str) -> Result<bool, Self::Error> {
            Ok(code == "1")
        }

        fn has_warehouse(&mut self, code: &str) -> Result<bool, Self::Error> {
            Ok(code == "000")
        }
    }

    fn problems(customer: &str, ship_to: &str, items: &[&str], warehouse: &str) -> Vec<(String, String)> {
        let lines: Vec<_> = items
            .iter()
            .map(
                |i| serde_json::json!({"item_code": i, "quantity_ordered": "1", "warehouse_code": warehouse}),
            )
            .collect();
        let body = serde_json::json!({
            "customer": {"ar_division_no": "01", "customer_no": customer},
            "ship_to": {"ship_to_code": ship_to}, "lines": lines,
        });
        let order = SalesOrder::parse(&body).unwrap();
        let found = validate(&order, &mut Books).unwrap();
        assert!(
            found
                .iter()
                .all(|p| !p.remedy.is_empty() && !p.message.is_empty())
        );
        found.into_iter().map(|p| (p.code, p.field)).collect()
    }

    #[test]
    fn a_good_order_has_no_problem() {
        assert_eq!(problems("ABF", "1", &["A", "*SPECIAL"], "000"), []);
    }

    #[test]
    fn all_problems_come_at_once_with_their_places() {
        let found = problems("GONE", "9", &["A", "OLD", "KIT", "NONE"], "999");
        let pair = |code: &str, field: &str| (code.to_owned(), field.to_owned());
        for wanted in [
            pair("customer_inactive", "customer.customer_no"),
            pair("ship_to_unknown", "ship_to.ship_to_code"),
            pair("warehouse_unknown", "lines[0].warehouse_code"),
            pair("item_inactive", "lines[1].item_code"),
            pair("kit_prompts", "lines[2].item_code"),
            pair("item_unknown", "lines[3].item_code"),
        ] {
            assert!(found.contains(&wanted), "{wanted:?} not in {found:?}");
        }
        assert_eq!(
            problems("NOBODY", "9", &["A"], "000"),
            [pair("customer_unknown", "customer.customer_no")]
        );
    }
}
