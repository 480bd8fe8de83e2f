//! What is answered.

use std::fmt;

use serde::{Deserialize, Serialize};
use values::{Decimal, Key};

use crate::amount;
use crate::book::{PriceBook, Source};
use crate::options::PRICE_SCALE;
use crate::read::Dataset;

/// What decides a price, highest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// The item's sales promotion.
    Promotion,
    /// The record of the customer and the item.
    CustomerItem,
    /// The record of the item and the customer's level.
    ItemLevel,
    /// The record of the item and the standard level.
    ItemStandard,
    /// The record of the item's price code and the customer's level.
    PriceCodeLevel,
    /// The record of the item's price code and the standard level.
    PriceCodeStandard,
    /// The item's standard price.
    StandardPrice,
}

impl Rule {
    /// As it is written.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Promotion => "promotion",
            Self::CustomerItem => "customer_item",
            Self::ItemLevel => "item_level",
            Self::ItemStandard => "item_standard",
            Self::PriceCodeLevel => "price_code_level",
            Self::PriceCodeStandard => "price_code_standard",
            Self::StandardPrice => "standard_price",
        }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What became of a record that was considered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It made the price.
    Decided,
    /// It chose the price level.
    GaveLevel,
    /// Something higher decided.
    Overruled,
    /// A promotion that has not begun, or is over.
    NotInForce,
    /// A promotion that is not lower.
    NotLower,
    /// A record without a price for this quantity, or without a method.
    NoPrice,
}

/// A record that was considered.
#[derive(Clone, Copy)]
pub struct Considered<'b> {
    /// The rule that it stands for; none for a record that chooses the level.
    pub rule: Option<Rule>,
    /// What became of it.
    pub outcome: Outcome,
    /// The price that it would make, in the line's unit, where that was worked out.
    pub price: Option<Decimal>,
    pub(crate) source: Source,
    pub(crate) book: &'b PriceBook,
}

impl fmt::Debug for Considered<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            rule, outcome, price, ..
        } = self;
        write!(
            f,
            "{} {} ({rule:?}): {outcome:?} {price:?}",
            self.dataset(),
            self.key()
        )
    }
}

impl Considered<'_> {
    /// Where the record is.
    #[must_use]
    pub const fn dataset(&self) -> Dataset {
        self.source.dataset()
    }

    /// Its key there.
    #[must_use]
    pub fn key(&self) -> Key {
        self.book.key_of(self.source)
    }

    /// Is its price made from a cost? Whoever knows the mark-up can work that out.
    #[must_use]
    pub fn is_from_cost(&self) -> bool {
        self.book.is_from_cost(self.source)
    }
}

/// At most: the level's record, the promotion, five price records, the item.
pub(crate) const MOST_CONSIDERED: usize = 8;

/// The price of a line.
#[derive(Clone)]
pub struct Priced<'b> {
    /// Price of one in the line's unit.
    pub unit_price: Decimal,
    /// The line's unit.
    pub unit: &'b str,
    /// Standard units in it.
    pub unit_factor: Decimal,
    /// What decided.
    pub rule: Rule,
    /// The price level that counted; blank is the standard level.
    pub price_level: &'b str,
    /// The quantity that was held against the bounds.
    pub break_quantity: Decimal,
    /// Percent off the line; the unit price is before it.
    pub line_discount_percent: Decimal,
    /// Percent off the line through the order's trade discount; zero for excepted items.
    pub trade_discount_percent: Decimal,
    pub(crate) notes: [Option<Note>; MOST_CONSIDERED],
    pub(crate) book: &'b PriceBook,
}

impl fmt::Debug for Priced<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Priced")
            .field("unit_price", &self.unit_price)
            .field("unit", &self.unit)
            .field("rule", &self.rule)
            .field("price_level", &self.price_level)
            .field("break_quantity", &self.break_quantity)
            .field("considered", &self.considered().collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}

/// A record that was considered, in short.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Note {
    pub(crate) rule: Option<Rule>,
    pub(crate) outcome: Outcome,
    /// Six decimals.
    pub(crate) price: Option<i64>,
    pub(crate) source: Source,
}

impl<'b> Priced<'b> {
    /// The records that were considered: the one that chose the level, then the rest, the
    /// highest rule first.
    pub fn considered(&self) -> impl Iterator<Item = Considered<'b>> {
        self.notes.iter().flatten().map(|note| Considered {
            rule: note.rule,
            outcome: note.outcome,
            price: note.price.map(|units| Decimal::new(units, PRICE_SCALE)),
            source: note.source,
            book: self.book,
        })
    }

    /// Amount of so many in the line's unit, less the line's discount, to the cent. The trade
    /// discount is the order's matter.
    ///
    /// # Errors
    /// [`PriceError::TooLarge`]
    pub fn extension(&self, quantity: Decimal) -> Result<Decimal, PriceError> {
        amount::extension(self.unit_price, quantity, self.line_discount_percent)
    }
}

/// Why there is no price.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PriceError {
    /// No such item.
    #[error("item {0} is not on file")]
    UnknownItem(String),
    /// No such customer.
    #[error("customer {0} is not on file")]
    UnknownCustomer(String),
    /// The item has no such unit.
    #[error("item {item} has no unit {unit}: use its standard, sales or purchase unit")]
    UnknownUnit {
        /// The item.
        item: String,
        /// The unit asked for.
        unit: String,
    },
    /// A charge or a comment: its amount is entered.
    #[error("item {0} has no unit price: it is a charge or a comment")]
    NotPriced(String),
    /// The company adds up quantities of several lines, and which ones is not known.
    #[error("the company says {0:?} of prices by total quantity, and which lines that adds up is not known")]
    TotalsUnknown(String),
    /// A price or quantity beyond what an amount holds.
    #[error("the quantity or price is too large")]
    TooLarge,
}

impl PriceError {
    /// Stable code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::UnknownItem(_) => "unknown_item",
            Self::UnknownCustomer(_) => "unknown_customer",
            Self::UnknownUnit { .. } => "unknown_unit",
            Self::NotPriced(_) => "not_priced",
            Self::TotalsUnknown(_) => "totals_unknown",
            Self::TooLarge => "amount_too_large",
        }
    }
}
