//! Sage 100's price rules: which price record decides, and what it makes of the item's
//! prices. The highest in this order wins:
//!
//! 1. the item's sales promotion, if in date and lower than what follows
//! 2. customer and item (record 2)
//! 3. item and the customer's price level (record 1)
//! 4. item and the blank level (record 1)
//! 5. the item's price code and the customer's level (record 0)
//! 6. the item's price code and the blank level (record 0)
//! 7. the item's standard price

use rusqlite::Connection;
use values::{Date, Decimal};

use super::record::{Layout, Record, StoreError};

/// Sage's unit prices have six decimals.
const PRICE_SCALE: u8 = 6;

/// What the item's record says about its price.
#[derive(Clone, Debug)]
pub(crate) struct ItemPrices {
    /// Standard price per standard unit.
    pub(crate) standard_price: Decimal,
    /// Standard cost per standard unit; the base of the methods C and M.
    pub(crate) standard_cost: Decimal,
    /// A sales promotion, if the item has one.
    pub(crate) promotion: Option<Promotion>,
}

/// A sales promotion on an item.
#[derive(Clone, Debug)]
pub(crate) struct Promotion {
    /// First day; none is from ever.
    pub(crate) starts: Option<Date>,
    /// Last day; none is for ever.
    pub(crate) ends: Option<Date>,
    /// How it lowers the price.
    pub(crate) method: PromotionMethod,
}

/// `CI_Item.SaleMethod`.
#[derive(Clone, Copy, Debug)]
pub(crate) enum PromotionMethod {
    /// `D`: percent off the standard price.
    Discount(Decimal),
    /// `P`: this price.
    Price(Decimal),
}

/// What a price record does with the item's prices.
#[derive(Clone, Debug)]
pub(crate) struct PriceRule {
    /// `C`, `D`, `M`, `O`, `P`; anything else leaves the standard price.
    pub(crate) method: String,
    /// Upper bounds of the quantities, and the amount or percent up to each.
    pub(crate) breaks: Vec<(Decimal, Decimal)>,
}

/// Looks up the rule that applies to `item` for a customer.
pub(crate) fn find_rule(
    db: &Connection,
    item: &Record,
    division: &str,
    customer: &str,
    level: &str,
) -> Result<Option<PriceRule>, StoreError> {
    let Some(layout) = Layout::read_if_any(db, "IM_PriceCode")? else {
        return Ok(None);
    };
    let item_code = item.text("ItemCode");
    let price_code = item.text("PriceCode");
    let mut steps: Vec<Vec<(&str, &str)>> = vec![vec![
        ("PriceCodeRecord", "2"),
        ("ItemCode", item_code),
        ("ARDivisionNo", division),
        ("CustomerNo", customer),
    ]];
    // A record of a price code may have a blank in place of its 0.
    for (records, column, value) in [
        (&["1"][..], "ItemCode", item_code),
        (&["0", ""], "PriceCode", price_code),
    ] {
        if value.is_empty() {
            continue;
        }
        for level in [level, ""] {
            for record in records {
                steps.push(vec![
                    ("PriceCodeRecord", *record),
                    (column, value),
                    ("CustomerPriceLevel", level),
                ]);
            }
        }
    }
    for step in steps {
        if let Some(found) = Record::read_one(db, &layout, &step)? {
            return Ok(Some(PriceRule {
                method: found.text("PricingMethod").to_owned(),
                breaks: (1..=5)
                    .map(|n| {
                        (
                            found.number(&format!("BreakQuantity{n}")),
                            found.number(&format!("DiscountMarkup{n}")),
                        )
                    })
                    .collect(),
            }));
        }
    }
    Ok(None)
}

impl ItemPrices {
    /// From a row of `CI_Item`.
    pub(crate) fn of_item(item: &Record) -> Self {
        let method = match item.text("SaleMethod") {
            "D" => Some(PromotionMethod::Discount(
                item.number("SalesPromotionDiscountPercent"),
            )),
            "P" => Some(PromotionMethod::Price(item.number("SalesPromotionPrice"))),
            _ => None,
        };
        Self {
            standard_price: item.number("StandardUnitPrice"),
            standard_cost: item.number("StandardUnitCost"),
            promotion: method.map(|method| Promotion {
                starts: item.date("SaleStartingDate"),
                ends: item.date("SaleEndingDate"),
                method,
            }),
        }
    }

    /// The price per standard unit for `quantity` standard units on `day`.
    pub(crate) fn price(
        &self,
        rule: Option<&PriceRule>,
        quantity: Decimal,
        day: Date,
    ) -> Result<Decimal, StoreError> {
        let regular = match rule {
            Some(rule) => self.apply(rule, quantity)?,
            None => self.standard_price.rescale(PRICE_SCALE)?,
        };
        let promoted = match &self.promotion {
            Some(promotion) if promotion.runs_on(day) => Some(match promotion.method {
                PromotionMethod::Discount(percent) => less_percent(self.standard_price, percent)?,
                PromotionMethod::Price(price) => price.rescale(PRICE_SCALE)?,
            }),
            Some(_) | None => None,
        };
        Ok(promoted.filter(|price| *price < regular).unwrap_or(regular))
    }

    fn apply(&self, rule: &PriceRule, quantity: Decimal) -> Result<Decimal, StoreError> {
        let amount = rule.amount_for(quantity);
        let price = match rule.method.as_str() {
            "C" => self.standard_cost.checked_add(amount)?,
            "M" => less_percent(self.standard_cost, -amount)?,
            "D" => less_percent(self.standard_price, amount)?,
            "P" => self.standard_price.checked_sub(amount)?,
            "O" => amount,
            _ => self.standard_price,
        };
        Ok(price.rescale(PRICE_SCALE)?)
    }
}

impl Promotion {
    fn runs_on(&self, day: Date) -> bool {
        self.starts.is_none_or(|starts| starts <= day) && self.ends.is_none_or(|ends| day <= ends)
    }
}

impl PriceRule {
    /// Break quantities are upper bounds; above the last that is set, the last counts. A
    /// bound of zero ends the list.
    fn amount_for(&self, quantity: Decimal) -> Decimal {
        let set = self.breaks.iter().take_while(|(bound, _)| !bound.is_zero());
        let mut last = self
            .breaks
            .first()
            .map_or(Decimal::zero(PRICE_SCALE), |(_, amount)| *amount);
        for (bound, amount) in set {
            last = *amount;
            if quantity <= *bound {
                break;
            }
        }
        last
    }
}

/// `base` less `percent` of it, at six decimals.
pub(crate) fn less_percent(base: Decimal, percent: Decimal) -> Result<Decimal, StoreError> {
    Ok(base.checked_sub(percent_of(base, percent, PRICE_SCALE)?)?)
}

/// `percent` of `base`, rounded to `scale`.
pub(crate) fn percent_of(base: Decimal, percent: Decimal, scale: u8) -> Result<Decimal, StoreError> {
    // A hundredth of a percent figure is the same digits two places further down.
    let factor = Decimal::new(percent.units(), percent.scale() + 2);
    Ok(base.multiply(factor, scale)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: Date = Date::constant(2026, 5, 6);

    fn number(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    fn item() -> ItemPrices {
        ItemPrices {
            standard_price: number("84.000000"),
            standard_cost: number("50.400000"),
            promotion: None,
        }
    }

    fn rule(method: &str, breaks: &[(&str, &str)]) -> PriceRule {
        PriceRule {
            method: method.to_owned(),
            breaks: breaks
                .iter()
                .map(|(bound, amount)| (number(bound), number(amount)))
                .collect(),
        }
    }

    fn price(item: &ItemPrices, rule: Option<&PriceRule>, quantity: &str) -> String {
        item.price(rule, number(quantity), DAY).unwrap().to_string()
    }

    #[test]
    fn every_method_by_hand() {
        let ever = "99999999";
        for (method, amount, expected) in [
            ("C", "10", "60.400000"),   // 50.40 + 10
            ("M", "25", "63.000000"),   // 50.40 * 1.25
            ("D", "10", "75.600000"),   // 84 * 0.90
            ("P", "4.5", "79.500000"),  // 84 - 4.50
            ("O", "79.5", "79.500000"), // as it says
            ("", "10", "84.000000"),
        ] {
            assert_eq!(
                price(&item(), Some(&rule(method, &[(ever, amount)])), "1"),
                expected,
                "{method}"
            );
        }
        assert_eq!(price(&item(), None, "1"), "84.000000");
    }

    #[test]
    fn breaks_are_upper_bounds() {
        let rule = rule(
            "D",
            &[
                ("9", "0"),
                ("49", "5"),
                ("99999999", "10"),
                ("0", "0"),
                ("0", "0"),
            ],
        );
        for (quantity, expected) in [
            ("0", "84.000000"),
            ("9", "84.000000"),
            ("9.5", "79.800000"),
            ("10", "79.800000"),
            ("50", "75.600000"),
        ] {
            assert_eq!(price(&item(), Some(&rule), quantity), expected, "{quantity}");
        }
    }

    #[test]
    fn above_the_last_bound_the_last_amount_counts() {
        let rule = rule("O", &[("10", "80"), ("20", "70"), ("0", "0")]);
        assert_eq!(price(&item(), Some(&rule), "25"), "70.000000");
    }

    #[test]
    fn a_promotion_counts_only_in_date_and_when_lower() {
        let mut item = item();
        item.promotion = Some(Promotion {
            starts: Some(Date::constant(2026, 5, 1)),
            ends: Some(Date::constant(2026, 5, 6)),
            method: PromotionMethod::Price(number("70")),
        });
        let cheaper = rule("O", &[("99999999", "65")]);
        assert_eq!(price(&item, None, "1"), "70.000000");
        assert_eq!(price(&item, Some(&cheaper), "1"), "65.000000");
        let day_after = Date::constant(2026, 5, 7);
        assert_eq!(
            item.price(None, number("1"), day_after).unwrap().to_string(),
            "84.000000"
        );
        item.promotion = Some(Promotion {
            starts: None,
            ends: None,
            method: PromotionMethod::Discount(number("50")),
        });
        assert_eq!(price(&item, None, "1"), "42.000000");
    }

    #[test]
    fn the_order_of_the_records() {
        let db = Connection::open_in_memory().unwrap();
        db.execute_batch(
            "CREATE TABLE CI_Item (ItemCode varchar(30) PRIMARY KEY, PriceCode varchar(4));
             CREATE TABLE IM_PriceCode (PriceCodeRecord varchar(1), PriceCode varchar(4), ItemCode varchar(30),
                CustomerPriceLevel varchar(1), ARDivisionNo varchar(2), CustomerNo varchar(20),
                PricingMethod varchar(1), BreakQuantity1 decimal(8,0), DiscountMarkup1 decimal(15,6),
                PRIMARY KEY (PriceCodeRecord, PriceCode, ItemCode, CustomerPriceLevel, ARDivisionNo, CustomerNo));
             INSERT INTO CI_Item VALUES ('HAT', 'STD');
             INSERT INTO IM_PriceCode VALUES ('2','','HAT','','01','ABF','O','99999999','1');
             INSERT INTO IM_PriceCode VALUES ('1','','HAT','B','','','O','99999999','2');
             INSERT INTO IM_PriceCode VALUES ('1','','HAT','','','','O','99999999','3');
             INSERT INTO IM_PriceCode VALUES ('0','STD','','B','','','O','99999999','4');
             INSERT INTO IM_PriceCode VALUES ('0','STD','','','','','O','99999999','5');",
        )
        .unwrap();
        let item = Record::look_up(&db, "CI_Item", &[("ItemCode", "HAT")])
            .unwrap()
            .unwrap();
        let decided = |customer: &str, level: &str| {
            let rule = find_rule(&db, &item, "01", customer, level).unwrap();
            rule.map(|rule| rule.breaks[0].1.to_string())
        };
        let steps = ["1.000000", "2.000000", "3.000000", "4.000000", "5.000000"];
        for (index, step) in steps.iter().enumerate() {
            assert_eq!(decided("ABF", "B").as_deref(), Some(*step));
            let first = "DELETE FROM IM_PriceCode WHERE rowid = (SELECT min(rowid) FROM IM_PriceCode)";
            if index == 0 {
                assert_eq!(decided("OTHER", "B").as_deref(), Some("2.000000"));
                assert_eq!(decided("OTHER", "C").as_deref(), Some("3.000000"));
            }
            db.execute(first, []).unwrap();
        }
        assert_eq!(decided("ABF", "B"), None);
    }
}
