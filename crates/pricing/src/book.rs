//! The index of one company.

mod keep;
mod price;

use values::{Date, Key};

use crate::names::{Name, NameMap, Names};
use crate::options::{BlankMethod, MarkupBase, Options};
use crate::read::{Dataset, RecordError};
use crate::records::{CompanyOptions, Method, PriceRecordKind, Record, SaleMethod};

/// Everything that prices of one company depend on, ready to be asked.
///
/// Records come in any order, and one at a time: [`put`](Self::put) adds or replaces,
/// [`remove`](Self::remove) takes away, [`apply`](Self::apply) does either from the hub's
/// fields. Two books that were given the same records last answer the same.
#[derive(Clone, Debug)]
pub struct PriceBook {
    options: Options,
    company: CompanyOptions,
    names: Names,
    customers: NameMap<CustomerKey, CustomerTerms>,
    items: NameMap<Name, ItemTerms>,
    prices: NameMap<Place, Kept>,
    levels: NameMap<CustomerKey, Vec<LevelTerms>>,
    promotions: NameMap<Name, PromotionTerms>,
}

/// Division and number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct CustomerKey(Name, Name);

#[derive(Clone, Copy, Debug)]
struct CustomerTerms {
    level: Name,
    discount: i64,
}

#[derive(Clone, Debug)]
struct ItemTerms {
    is_priced: bool,
    is_trade_discounted: bool,
    price_code: Name,
    product_line: Name,
    categories: [Name; 4],
    /// Standard, sales and purchase unit, with the standard units in each.
    units: [(Name, i64); 3],
    standard_price: i64,
    standard_cost: i64,
    average_cost: i64,
    last_cost: i64,
    promotion_code: Name,
    promotion_price: i64,
    promotion: PromotionTerms,
}

#[derive(Clone, Copy, Debug)]
struct PromotionTerms {
    starts: Option<Date>,
    ends: Option<Date>,
    method: SaleMethod,
    percent: i64,
}

#[derive(Clone, Copy, Debug)]
struct LevelTerms {
    product_line: Name,
    price_code: Name,
    ship_to: Name,
    effective: Option<Date>,
    ends: Option<Date>,
    level: Name,
}

/// What a price record is found by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Place {
    /// Customer and item.
    Customer(CustomerKey, Name),
    /// Item and level.
    Item(Name, Name),
    /// Price code and level.
    Code(Name, Name),
}

/// The price records of one place. There should be one; parts of the key that do not belong
/// to its kind may make more, and then the first in key order counts.
#[derive(Clone, Debug)]
enum Kept {
    One(PriceTerms),
    Several(Vec<PriceTerms>),
}

#[derive(Clone, Debug)]
struct PriceTerms {
    kind: PriceRecordKind,
    method: Method,
    /// The parts of the key that the place does not have, in the key's order.
    spare: [Name; 3],
    /// Upper bounds and amounts, six decimals each.
    breaks: Box<[(i64, i64)]>,
}

/// A record of the book.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Source(Origin);

#[derive(Clone, Copy, Debug)]
enum Origin {
    Item(Name),
    Price(Place),
    Level(CustomerKey, u32),
    Promotion(Name),
}

impl Source {
    pub(crate) const fn dataset(self) -> Dataset {
        match self.0 {
            Origin::Item(_) => Dataset::Items,
            Origin::Price(_) => Dataset::PriceCodes,
            Origin::Level(..) => Dataset::PriceLevelsByCustomer,
            Origin::Promotion(_) => Dataset::Promotions,
        }
    }
}

impl PriceBook {
    /// An empty book.
    #[must_use]
    pub fn new(options: Options) -> Self {
        Self {
            options,
            company: CompanyOptions::default(),
            names: Names::default(),
            customers: NameMap::default(),
            items: NameMap::default(),
            prices: NameMap::default(),
            levels: NameMap::default(),
            promotions: NameMap::default(),
        }
    }

    /// A book of these records.
    ///
    /// # Errors
    /// See [`put`](Self::put).
    pub fn of(options: Options, records: impl IntoIterator<Item = Record>) -> Result<Self, RecordError> {
        let mut book = Self::new(options);
        for record in records {
            book.put(&record)?;
        }
        Ok(book)
    }

    /// The choices that it prices by.
    #[must_use]
    pub const fn options(&self) -> &Options {
        &self.options
    }

    /// Prices by other choices from now on.
    pub const fn set_options(&mut self, options: Options) {
        self.options = options;
    }

    /// Records of a dataset that the book has. The company's options are always one.
    #[must_use]
    pub fn count(&self, dataset: Dataset) -> usize {
        match dataset {
            Dataset::CompanyOptions => 1,
            Dataset::Customers => self.customers.len(),
            Dataset::Items => self.items.len(),
            Dataset::PriceCodes => self.prices.values().map(Kept::count).sum(),
            Dataset::PriceLevelsByCustomer => self.levels.values().map(Vec::len).sum(),
            Dataset::Promotions => self.promotions.len(),
        }
    }

    /// Does a record that was considered make its price from a cost?
    pub(crate) fn is_from_cost(&self, source: Source) -> bool {
        let Origin::Price(place) = source.0 else {
            return false;
        };
        let is_marked_up = match self.prices.get(&place).map(|kept| kept.first().method) {
            Some(Method::CostMarkupAmount | Method::CostMarkupPercent) => true,
            Some(Method::Blank) => self.options.blank_method == BlankMethod::CostMarkupAmount,
            Some(Method::DiscountAmount | Method::DiscountPercent | Method::Override) | None => false,
        };
        is_marked_up && self.options.markup_base != MarkupBase::StandardPrice
    }

    /// The key of a record that was considered.
    pub(crate) fn key_of(&self, source: Source) -> Key {
        let text = |name| self.names.text(name);
        match source.0 {
            Origin::Item(code) | Origin::Promotion(code) => Key::from_parts([text(code)]),
            Origin::Level(customer, place) => {
                let place = usize::try_from(place).unwrap_or(usize::MAX);
                let Some(row) = self.levels.get(&customer).and_then(|rows| rows.get(place)) else {
                    return Key::from_parts([""]);
                };
                let effective = row.effective.map(|day| day.to_string()).unwrap_or_default();
                Key::from_parts([
                    text(customer.0),
                    text(customer.1),
                    text(row.product_line),
                    text(row.price_code),
                    text(row.ship_to),
                    &effective,
                ])
            }
            Origin::Price(place) => {
                let Some(terms) = self.prices.get(&place).map(Kept::first) else {
                    return Key::from_parts([""]);
                };
                let [a, b, c] = terms.spare.map(text);
                Key::from_parts(match place {
                    Place::Customer(customer, item) => {
                        ["2", a, text(item), b, text(customer.0), text(customer.1)]
                    }
                    Place::Item(item, level) => ["1", a, text(item), text(level), b, c],
                    Place::Code(code, level) => {
                        let record = match terms.kind {
                            PriceRecordKind::PriceCodeBlank => "",
                            PriceRecordKind::PriceCode
                            | PriceRecordKind::Item
                            | PriceRecordKind::Customer => "0",
                        };
                        [record, text(code), a, text(level), b, c]
                    }
                })
            }
        }
    }
}

impl Kept {
    fn first(&self) -> &PriceTerms {
        match self {
            Self::One(terms) => terms,
            // Never empty: the last one out takes the place away.
            Self::Several(all) => &all[0],
        }
    }

    fn count(&self) -> usize {
        match self {
            Self::One(_) => 1,
            Self::Several(all) => all.len(),
        }
    }
}
