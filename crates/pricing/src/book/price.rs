//! The rules.

use values::{Date, Decimal};

use super::keep::UNIT;
use super::{
    CustomerKey, CustomerTerms, ItemTerms, Kept, LevelTerms, Origin, Place, PriceBook, PriceTerms,
    PromotionTerms, Source,
};
use crate::amount::{Exact, FACTOR_SCALE, quantity_in, six_places};
use crate::answer::{MOST_CONSIDERED, Note, Outcome, PriceError, Priced, Rule};
use crate::line::{Line, Order};
use crate::names::{Name, NameMap};
use crate::options::{
    AboveLastBreak, BlankLevel, BlankMethod, BreaksCount, CustomerDiscount, LevelByCustomer, LevelOrder,
    MarkupBase, NegativePrice, PRICE_SCALE, PricesPer, PromotionSource, TotalBlank, TotalBy, TotalQuantity,
    ZeroBound, ZeroPromotion,
};
use crate::records::{CompanyTotals, Method, SaleMethod};

const LEVEL_PLACE: usize = 0;
const PROMOTION_PLACE: usize = 1;
const FIRST_RECORD_PLACE: usize = 2;
const ITEM_PLACE: usize = 7;

/// A line whose item and unit were found.
#[derive(Clone, Copy)]
struct Found<'b> {
    code: Name,
    item: &'b ItemTerms,
    unit: Name,
    factor: i64,
    /// In the units that breaks count.
    quantity: i64,
}

impl PriceBook {
    /// Prices one line by itself.
    ///
    /// # Errors
    /// [`PriceError`]
    pub fn price<'b>(&'b self, order: &Order<'b>, line: &Line<'b>) -> Result<Priced<'b>, PriceError> {
        let found = self.find(line)?;
        self.price_found(order, line, &found, found.quantity)
    }

    /// Prices the lines of an order; where quantities count together, they do.
    pub fn price_order<'b>(
        &'b self,
        order: &Order<'b>,
        lines: &[Line<'b>],
    ) -> Vec<Result<Priced<'b>, PriceError>> {
        let found: Vec<_> = lines.iter().map(|line| self.find(line)).collect();
        let mut totals: NameMap<Name, i64> = NameMap::default();
        let together = self.together();
        if let Ok(Some(by)) = together {
            for found in found.iter().flatten() {
                if let Some(group) = self.group_of(by, found.item) {
                    let total = totals.entry(group).or_default();
                    *total = total.saturating_add(found.quantity);
                }
            }
        }
        // By itself a line is priced the same, whatever counts together.
        let has_several = found.iter().flatten().nth(1).is_some();
        lines
            .iter()
            .zip(found)
            .map(|(line, found)| {
                let found = found?;
                let by = match &together {
                    Ok(by) => *by,
                    Err(_) if !has_several => None,
                    Err(error) => return Err(error.clone()),
                };
                let group = by.and_then(|by| self.group_of(by, found.item));
                let total = group.and_then(|group| totals.get(&group));
                let quantity = total.copied().unwrap_or(found.quantity);
                self.price_found(order, line, &found, quantity)
            })
            .collect()
    }

    fn find(&self, line: &Line<'_>) -> Result<Found<'_>, PriceError> {
        let found = self
            .names
            .find(line.item_code)
            .and_then(|code| self.items.get(&code).map(|item| (code, item)));
        let Some((code, item)) = found else {
            return Err(PriceError::UnknownItem(line.item_code.to_owned()));
        };
        if !item.is_priced {
            return Err(PriceError::NotPriced(line.item_code.to_owned()));
        }
        let unit = self.names.find(line.unit).and_then(|unit| item.unit(unit));
        let Some((unit, factor)) = unit else {
            return Err(PriceError::UnknownUnit {
                item: line.item_code.to_owned(),
                unit: line.unit.to_owned(),
            });
        };
        let counted = match self.options.breaks_count {
            BreaksCount::StandardUnits => UNIT,
            BreaksCount::SalesUnits => item.sales_factor(),
            BreaksCount::LineUnits => factor,
        };
        let quantity =
            quantity_in(six_places(line.quantity)?, factor, counted).ok_or(PriceError::TooLarge)?;
        Ok(Found {
            code,
            item,
            unit,
            factor,
            quantity,
        })
    }

    /// Which lines count together, if any do.
    fn together(&self) -> Result<Option<TotalBy>, PriceError> {
        let (says, by) = (&self.company.price_by_total_quantity, self.options.total_by);
        match (self.options.total_quantity, says, by) {
            (TotalQuantity::Never, ..) | (TotalQuantity::AsCompany, CompanyTotals::Apart, _) => Ok(None),
            (_, CompanyTotals::Other(says), TotalBy::AsCompany) => {
                Err(PriceError::TotalsUnknown(says.clone()))
            }
            (TotalQuantity::AsCompany | TotalQuantity::Always, _, by) => Ok(Some(by)),
        }
    }

    /// Lines of the same name count together; none counts alone.
    fn group_of(&self, by: TotalBy, item: &ItemTerms) -> Option<Name> {
        let group = match by {
            TotalBy::AsCompany | TotalBy::AllLines => return Some(Name::BLANK),
            TotalBy::ProductLine => item.product_line,
            TotalBy::Category1 => item.categories[0],
            TotalBy::Category2 => item.categories[1],
            TotalBy::Category3 => item.categories[2],
            TotalBy::Category4 => item.categories[3],
        };
        let is_alone = group == Name::BLANK && self.options.total_blank == TotalBlank::Alone;
        (!is_alone).then_some(group)
    }

    fn price_found<'b>(
        &'b self,
        order: &Order<'b>,
        line: &Line<'b>,
        found: &Found<'b>,
        quantity: i64,
    ) -> Result<Priced<'b>, PriceError> {
        let item = found.item;
        let customer = self.customer(order)?;
        let mut notes: [Option<Note>; MOST_CONSIDERED] = [None; MOST_CONSIDERED];
        let mut consider = |place: usize, rule, outcome, price: Option<Decimal>, origin| {
            notes[place] = Some(Note {
                rule,
                outcome,
                price: price.map(Decimal::units),
                source: Source(origin),
            });
        };

        let (level, level_text) = match line.price_level {
            Some(text) => (self.names.find(text), text),
            None => {
                let level = match self.level_by_customer(order, customer, item) {
                    Some((level, origin)) => {
                        consider(LEVEL_PLACE, None, Outcome::GaveLevel, None, origin);
                        level
                    }
                    None => customer.map_or(Name::BLANK, |(_, terms)| terms.level),
                };
                (Some(level), self.names.text(level))
            }
        };

        let shown = |price: Exact| {
            price
                .in_unit(self.price_factor(item), found.factor, self.options.price_decimals)
                .ok_or(PriceError::TooLarge)
        };
        let mut decided = None;
        for (place, (rule, origin)) in candidates(customer, found.code, item.price_code, level)
            .into_iter()
            .enumerate()
            .filter_map(|(place, candidate)| Some((place, candidate?)))
        {
            let Some(terms) = self.prices.get(&origin).map(Kept::first) else {
                continue;
            };
            let mut shown_price = None;
            let outcome = if decided.is_some() {
                Outcome::Overruled
            } else if let Some(price) = self.apply_terms(terms, item, quantity)? {
                let amount = shown(price)?;
                decided = Some((rule, FIRST_RECORD_PLACE + place, price, amount));
                shown_price = Some(amount);
                Outcome::Decided
            } else {
                Outcome::NoPrice
            };
            consider(
                FIRST_RECORD_PLACE + place,
                Some(rule),
                outcome,
                shown_price,
                Origin::Price(origin),
            );
        }
        let standard = Exact::price(item.standard_price);
        let standard_shown = shown(standard)?;
        let outcome = if decided.is_some() {
            Outcome::Overruled
        } else {
            Outcome::Decided
        };
        consider(
            ITEM_PLACE,
            Some(Rule::StandardPrice),
            outcome,
            Some(standard_shown),
            Origin::Item(found.code),
        );
        let (mut rule, regular_place, regular, mut unit_price) =
            decided.unwrap_or((Rule::StandardPrice, ITEM_PLACE, standard, standard_shown));

        if let Some((promotion, origin)) = self.promotion_of(found) {
            let (outcome, price) = self.promote(promotion, item, order.day, regular)?;
            let price = price.map(&shown).transpose()?;
            consider(PROMOTION_PLACE, Some(Rule::Promotion), outcome, price, origin);
            if let (Outcome::Decided, Some(price)) = (outcome, price) {
                rule = Rule::Promotion;
                unit_price = price;
                if let Some(regular) = &mut notes[regular_place] {
                    regular.outcome = Outcome::Overruled;
                }
            }
        }

        let discount = match customer {
            Some((_, terms)) if item.is_trade_discounted => Decimal::new(terms.discount, PRICE_SCALE),
            Some(_) | None => Decimal::zero(PRICE_SCALE),
        };
        let (line_discount_percent, trade_discount_percent) = match self.options.customer_discount {
            CustomerDiscount::Order => (Decimal::zero(PRICE_SCALE), discount),
            CustomerDiscount::Line => (discount, Decimal::zero(PRICE_SCALE)),
            CustomerDiscount::Ignored => (Decimal::zero(PRICE_SCALE), Decimal::zero(PRICE_SCALE)),
        };
        Ok(Priced {
            unit_price,
            unit: self.names.text(found.unit),
            unit_factor: Decimal::new(found.factor, FACTOR_SCALE),
            rule,
            price_level: level_text,
            break_quantity: Decimal::new(quantity, PRICE_SCALE),
            line_discount_percent,
            trade_discount_percent,
            notes,
            book: self,
        })
    }

    fn customer(&self, order: &Order<'_>) -> Result<Option<(CustomerKey, &CustomerTerms)>, PriceError> {
        let Some(customer) = order.customer else {
            return Ok(None);
        };
        let names = &self.names;
        let key = names
            .find(customer.division)
            .zip(names.find(customer.customer_no))
            .map(|(division, number)| CustomerKey(division, number));
        key.and_then(|key| self.customers.get(&key).map(|terms| Some((key, terms))))
            .ok_or_else(|| {
                PriceError::UnknownCustomer(format!("{}-{}", customer.division, customer.customer_no))
            })
    }

    /// The level that a record by customer gives, if they count and one fits.
    fn level_by_customer(
        &self,
        order: &Order<'_>,
        customer: Option<(CustomerKey, &CustomerTerms)>,
        item: &ItemTerms,
    ) -> Option<(Name, Origin)> {
        let counts = match self.options.level_by_customer {
            LevelByCustomer::AsCompany => self.company.price_level_by_customer,
            LevelByCustomer::Always => true,
            LevelByCustomer::Never => false,
        };
        let (key, _) = customer.filter(|_| counts)?;
        let rows = self.levels.get(&key)?;
        // A ship-to that no record names fits those for all only.
        let ship_to = self.names.find(order.ship_to_code);
        let fits = |row: &LevelTerms| {
            let one_of = |wanted: Name, given: Option<Name>| wanted == Name::BLANK || Some(wanted) == given;
            one_of(row.product_line, Some(item.product_line))
                && one_of(row.price_code, Some(item.price_code))
                && one_of(row.ship_to, ship_to)
                && is_in(row.effective, row.ends, order.day)
                && (row.level != Name::BLANK || self.options.blank_level == BlankLevel::Standard)
        };
        let closeness = |row: &LevelTerms| {
            let [line, code, ship_to] =
                [row.product_line, row.price_code, row.ship_to].map(|name| name != Name::BLANK);
            let (first, second) = match self.options.level_order {
                LevelOrder::PriceCodeFirst => (code, ship_to),
                LevelOrder::ShipToFirst => (ship_to, code),
            };
            (line, first, second, row.effective)
        };
        let (place, row) = rows
            .iter()
            .enumerate()
            .filter(|(_, row)| fits(row))
            .max_by_key(|(_, row)| closeness(row))?;
        Some((row.level, Origin::Level(key, u32::try_from(place).ok()?)))
    }

    /// Standard units in the unit that prices are for.
    fn price_factor(&self, item: &ItemTerms) -> i64 {
        match self.options.prices_per {
            PricesPer::StandardUnit => UNIT,
            PricesPer::SalesUnit => item.sales_factor(),
        }
    }

    /// What a record makes of the item's prices; none when it has no price for the quantity.
    fn apply_terms(
        &self,
        terms: &PriceTerms,
        item: &ItemTerms,
        quantity: i64,
    ) -> Result<Option<Exact>, PriceError> {
        let standard = Exact::price(item.standard_price);
        let method = match (terms.method, self.options.blank_method) {
            (Method::Blank, BlankMethod::StandardPrice) => return Ok(Some(standard)),
            (Method::Blank, BlankMethod::NextRule) => return Ok(None),
            (Method::Blank, BlankMethod::CostMarkupAmount) => Method::CostMarkupAmount,
            (method, _) => method,
        };
        let Some(amount) = self.tier(&terms.breaks, quantity) else {
            return Ok(None);
        };
        let rounding = self.options.rounding;
        let price = match method {
            Method::CostMarkupAmount => self
                .markup_base(item)
                .and_then(|base| base.plus(Exact::price(amount))),
            Method::CostMarkupPercent => self
                .markup_base(item)
                .and_then(|base| base.plus(base.percent(amount, rounding)?)),
            Method::DiscountPercent => standard
                .percent(amount, rounding)
                .and_then(|discount| standard.minus(discount)),
            Method::DiscountAmount => standard.minus(Exact::price(amount)),
            Method::Override => Some(Exact::price(amount)),
            Method::Blank => Some(standard),
        };
        let price = price.ok_or(PriceError::TooLarge)?;
        let is_cut = price.is_negative() && self.options.negative_price == NegativePrice::Zero;
        Ok(Some(if is_cut { Exact::ZERO } else { price }))
    }

    /// The base of C and M, for the unit that prices are for.
    fn markup_base(&self, item: &ItemTerms) -> Option<Exact> {
        let cost = match self.options.markup_base {
            MarkupBase::StandardPrice => return Some(Exact::price(item.standard_price)),
            MarkupBase::StandardCost => item.standard_cost,
            MarkupBase::AverageCost => item.average_cost,
            MarkupBase::LastCost => item.last_cost,
        };
        let cost = Exact::price(cost);
        match self.price_factor(item) {
            UNIT => Some(cost),
            factor => cost.times_factor(factor, self.options.rounding),
        }
    }

    /// The amount that holds for the quantity.
    fn tier(&self, breaks: &[(i64, i64)], quantity: i64) -> Option<i64> {
        let mut last = None;
        for (place, &(bound, amount)) in breaks.iter().enumerate() {
            if bound == 0 {
                let is_open = place == 0 || (amount != 0 && self.options.zero_bound == ZeroBound::NoLimit);
                if is_open {
                    return Some(amount);
                }
                break;
            }
            if quantity <= bound {
                return Some(amount);
            }
            last = Some(amount);
        }
        match self.options.above_last_break {
            AboveLastBreak::LastBreak => last,
            AboveLastBreak::NextRule => None,
        }
    }

    fn promotion_of(&self, found: &Found<'_>) -> Option<(PromotionTerms, Origin)> {
        let item = found.item;
        let listed = match self.options.promotion_source {
            PromotionSource::Promotion if item.promotion_code != Name::BLANK => {
                self.promotions.get(&item.promotion_code)
            }
            PromotionSource::Promotion | PromotionSource::Item => None,
        };
        let (terms, origin) = match listed {
            Some(terms) => (terms, Origin::Promotion(item.promotion_code)),
            None => (&item.promotion, Origin::Item(found.code)),
        };
        (terms.method != SaleMethod::None).then_some((*terms, origin))
    }

    fn promote(
        &self,
        promotion: PromotionTerms,
        item: &ItemTerms,
        day: Date,
        regular: Exact,
    ) -> Result<(Outcome, Option<Exact>), PriceError> {
        if !is_in(promotion.starts, promotion.ends, day) {
            return Ok((Outcome::NotInForce, None));
        }
        let standard = Exact::price(item.standard_price);
        let price = match promotion.method {
            SaleMethod::None => return Ok((Outcome::NoPrice, None)),
            SaleMethod::Price if item.promotion_price == 0 => match self.options.zero_promotion {
                ZeroPromotion::Counts => Some(Exact::ZERO),
                ZeroPromotion::Ignored => return Ok((Outcome::NoPrice, None)),
            },
            SaleMethod::Price => Some(Exact::price(item.promotion_price)),
            SaleMethod::Discount => standard
                .percent(promotion.percent, self.options.rounding)
                .and_then(|discount| standard.minus(discount)),
        };
        let price = price.ok_or(PriceError::TooLarge)?;
        let is_lower = price.is_below(regular).ok_or(PriceError::TooLarge)?;
        let outcome = if is_lower {
            Outcome::Decided
        } else {
            Outcome::NotLower
        };
        Ok((outcome, Some(price)))
    }
}

/// Where price records for the line may be, highest first. A level that no record has leads
/// nowhere, and the standard level is tried once.
fn candidates(
    customer: Option<(CustomerKey, &CustomerTerms)>,
    item: Name,
    price_code: Name,
    level: Option<Name>,
) -> [Option<(Rule, Place)>; 5] {
    let level = level.filter(|level| *level != Name::BLANK);
    let code = (price_code != Name::BLANK).then_some(price_code);
    [
        customer.map(|(key, _)| (Rule::CustomerItem, Place::Customer(key, item))),
        level.map(|level| (Rule::ItemLevel, Place::Item(item, level))),
        Some((Rule::ItemStandard, Place::Item(item, Name::BLANK))),
        code.zip(level)
            .map(|(code, level)| (Rule::PriceCodeLevel, Place::Code(code, level))),
        code.map(|code| (Rule::PriceCodeStandard, Place::Code(code, Name::BLANK))),
    ]
}

/// Both days count; none is without limit.
fn is_in(first: Option<Date>, last: Option<Date>, day: Date) -> bool {
    first.is_none_or(|first| first <= day) && last.is_none_or(|last| day <= last)
}

impl ItemTerms {
    /// The unit of this name and its factor; blank is the sales unit, or without one the
    /// standard unit.
    fn unit(&self, name: Name) -> Option<(Name, i64)> {
        if name == Name::BLANK {
            let [standard, sales, _] = self.units;
            return Some(if sales.0 == Name::BLANK { standard } else { sales });
        }
        self.units.into_iter().find(|(unit, _)| *unit == name)
    }

    /// Standard units in a sales unit.
    fn sales_factor(&self) -> i64 {
        let [_, (name, factor), _] = self.units;
        if name == Name::BLANK { UNIT } else { factor }
    }
}
