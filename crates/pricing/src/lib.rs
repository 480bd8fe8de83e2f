//! What Sage 100 would ask for an item: the rules of its price records, over an index that is
//! built from records and kept fresh one record at a time.
//!
//! [`PriceBook`] is the index of one company. [`PriceBook::price`] prices one line,
//! [`PriceBook::price_order`] lines that may count together. Each answer says which
//! [`Rule`] decided and which records were considered. The highest of these wins:
//!
//! 1. the item's sales promotion, if in force and lower than what follows
//! 2. customer and item
//! 3. item and the customer's price level
//! 4. item and the standard (blank) level
//! 5. the item's price code and the customer's level
//! 6. the item's price code and the standard level
//! 7. the item's standard price
//!
//! What is not known of Sage is a choice in [`Options`]; `docs/prices.md` has them all. A
//! price that is computed here is an estimate: the one that counts is the one that Sage puts
//! on the order.

mod amount;
mod answer;
mod book;
mod line;
mod names;
mod options;
mod read;
mod records;

pub use answer::{Considered, Outcome, PriceError, Priced, Rule};
pub use book::PriceBook;
pub use line::{Customer as Buyer, Line, Order};
pub use options::{
    AboveLastBreak, BlankLevel, BlankMethod, BreaksCount, CustomerDiscount, LevelByCustomer, LevelOrder,
    MarkupBase, NegativePrice, Options, PricesPer, PromotionSource, Rounding, TotalBlank, TotalBy,
    TotalQuantity, ZeroBound, ZeroPromotion,
};
pub use read::{Dataset, Fields, RecordError};
pub use records::{
    Break, CompanyOptions, CompanyTotals, Customer, Item, ItemPromotion, ItemType, Method, PriceLevel,
    PriceRecord, PriceRecordKind, Promotion, Record, SaleMethod, Unit,
};
