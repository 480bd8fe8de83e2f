//! Records come and go.

use values::{Date, Key, parse_date};

use super::{
    CustomerKey, CustomerTerms, ItemTerms, Kept, LevelTerms, Place, PriceBook, PriceTerms, PromotionTerms,
};
use crate::amount::{factor, six_places};
use crate::answer::PriceError;
use crate::names::{Name, Names};
use crate::read::{Dataset, Fields, RecordError};
use crate::records::{CompanyOptions, Item, ItemType, PriceLevel, PriceRecord, PriceRecordKind, Record};

/// Decimals of amounts that are kept.
fn units(dataset: Dataset, number: values::Decimal) -> Result<i64, RecordError> {
    six_places(number).map_err(|_: PriceError| RecordError::TooLarge(dataset))
}

impl PriceBook {
    /// Takes a change from the hub: the fields that the record has now, or none when it is
    /// gone. A record that cannot be read is not kept in its old form either.
    ///
    /// # Errors
    /// [`RecordError`] says what is wrong with it; the book is in order.
    pub fn apply(
        &mut self,
        dataset: Dataset,
        key: &Key,
        fields: Option<Fields<'_>>,
    ) -> Result<(), RecordError> {
        let Some(fields) = fields else {
            return self.remove(dataset, key);
        };
        let put = Record::read(dataset, fields).and_then(|record| self.put(&record));
        if put.is_err() {
            self.remove(dataset, key)?;
        }
        put
    }

    /// Adds a record, or replaces the one with its key.
    ///
    /// # Errors
    /// [`RecordError::TooLarge`]; the book is as it was.
    pub fn put(&mut self, record: &Record) -> Result<(), RecordError> {
        match record {
            Record::CompanyOptions(options) => self.company = options.clone(),
            Record::Customer(customer) => {
                let terms = CustomerTerms {
                    level: self.names.intern(&customer.price_level),
                    discount: units(Dataset::Customers, customer.discount_percent)?,
                };
                let key = self.customer_key(&customer.division, &customer.customer_no);
                self.customers.insert(key, terms);
            }
            Record::Item(item) => {
                let terms = item_terms(&mut self.names, item)?;
                self.items.insert(self.names.intern(&item.item_code), terms);
            }
            Record::Price(record) => self.put_price(record)?,
            Record::PriceLevel(level) => self.put_level(level),
            Record::Promotion(promotion) => {
                let terms = PromotionTerms {
                    starts: promotion.starts,
                    ends: promotion.ends,
                    method: promotion.method,
                    percent: units(Dataset::Promotions, promotion.percent)?,
                };
                self.promotions.insert(self.names.intern(&promotion.code), terms);
            }
        }
        Ok(())
    }

    /// Takes the record with this key away, if it is there.
    ///
    /// # Errors
    /// [`RecordError::Key`] when the key has not the parts of this dataset's.
    pub fn remove(&mut self, dataset: Dataset, key: &Key) -> Result<(), RecordError> {
        let parts = key.parts().unwrap_or_default();
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        match (dataset, parts.as_slice()) {
            (Dataset::CompanyOptions, _) => self.company = CompanyOptions::default(),
            (Dataset::Customers, [division, number]) => {
                let key = self.customer_key(division, number);
                self.customers.remove(&key);
            }
            (Dataset::Items, [code]) => {
                self.items.remove(&self.names.intern(code));
            }
            (Dataset::Promotions, [code]) => {
                self.promotions.remove(&self.names.intern(code));
            }
            (Dataset::PriceCodes, &[record, code, item, level, division, customer]) => {
                let kind = match record {
                    "0" => PriceRecordKind::PriceCode,
                    "" => PriceRecordKind::PriceCodeBlank,
                    "1" => PriceRecordKind::Item,
                    "2" => PriceRecordKind::Customer,
                    // Such a record was never taken.
                    _ => return Ok(()),
                };
                let (place, spare) = self.place_of(kind, code, item, level, division, customer);
                self.remove_price(place, kind, spare);
            }
            (
                Dataset::PriceLevelsByCustomer,
                &[division, customer, product_line, price_code, ship_to, effective],
            ) => {
                let effective =
                    parse_date(effective).map_err(|_| RecordError::Key(dataset, key.as_str().to_owned()))?;
                let customer = self.customer_key(division, customer);
                let names = [product_line, price_code, ship_to].map(|text| self.names.intern(text));
                self.remove_level(customer, names, effective);
            }
            _ => return Err(RecordError::Key(dataset, key.as_str().to_owned())),
        }
        Ok(())
    }

    fn customer_key(&mut self, division: &str, number: &str) -> CustomerKey {
        CustomerKey(self.names.intern(division), self.names.intern(number))
    }

    fn place_of(
        &mut self,
        kind: PriceRecordKind,
        code: &str,
        item: &str,
        level: &str,
        division: &str,
        customer: &str,
    ) -> (Place, [Name; 3]) {
        let [code, item, level, division, customer] =
            [code, item, level, division, customer].map(|text| self.names.intern(text));
        match kind {
            PriceRecordKind::Customer => (
                Place::Customer(CustomerKey(division, customer), item),
                [code, level, Name::BLANK],
            ),
            PriceRecordKind::Item => (Place::Item(item, level), [code, division, customer]),
            PriceRecordKind::PriceCode | PriceRecordKind::PriceCodeBlank => {
                (Place::Code(code, level), [item, division, customer])
            }
        }
    }

    fn put_price(&mut self, record: &PriceRecord) -> Result<(), RecordError> {
        let mut breaks = Vec::with_capacity(record.breaks.len());
        for tier in &record.breaks {
            breaks.push((
                units(Dataset::PriceCodes, tier.up_to)?,
                units(Dataset::PriceCodes, tier.amount)?,
            ));
        }
        // Places that are not used; the first one counts even if it is zero.
        while breaks.len() > 1 && breaks.last() == Some(&(0, 0)) {
            breaks.pop();
        }
        let (place, spare) = self.place_of(
            record.kind,
            &record.price_code,
            &record.item_code,
            &record.price_level,
            &record.division,
            &record.customer_no,
        );
        let mut all = self.take_price(place, record.kind, spare);
        all.push(PriceTerms {
            kind: record.kind,
            method: record.method,
            spare,
            breaks: breaks.into_boxed_slice(),
        });
        let names = &self.names;
        all.sort_by_key(|terms| {
            let is_blank = terms.kind == PriceRecordKind::PriceCodeBlank;
            (is_blank, terms.spare.map(|name| names.text(name)))
        });
        self.keep(place, all);
        Ok(())
    }

    fn remove_price(&mut self, place: Place, kind: PriceRecordKind, spare: [Name; 3]) {
        let rest = self.take_price(place, kind, spare);
        self.keep(place, rest);
    }

    /// Takes the records of a place out of the book, and leaves one aside.
    fn take_price(&mut self, place: Place, kind: PriceRecordKind, spare: [Name; 3]) -> Vec<PriceTerms> {
        let mut all = match self.prices.remove(&place) {
            None => Vec::new(),
            Some(Kept::One(terms)) => vec![terms],
            Some(Kept::Several(all)) => all,
        };
        all.retain(|terms| terms.kind != kind || terms.spare != spare);
        all
    }

    fn keep(&mut self, place: Place, mut all: Vec<PriceTerms>) {
        match (all.len(), all.pop()) {
            (1, Some(only)) => {
                self.prices.insert(place, Kept::One(only));
            }
            (_, Some(last)) => {
                all.push(last);
                self.prices.insert(place, Kept::Several(all));
            }
            (_, None) => {}
        }
    }

    fn put_level(&mut self, level: &PriceLevel) {
        let customer = self.customer_key(&level.division, &level.customer_no);
        let names =
            [&level.product_line, &level.price_code, &level.ship_to_code].map(|text| self.names.intern(text));
        self.remove_level(customer, names, level.effective);
        let [product_line, price_code, ship_to] = names;
        let row = LevelTerms {
            product_line,
            price_code,
            ship_to,
            effective: level.effective,
            ends: level.ends,
            level: self.names.intern(&level.price_level),
        };
        self.levels.entry(customer).or_default().push(row);
    }

    fn remove_level(&mut self, customer: CustomerKey, names: [Name; 3], effective: Option<Date>) {
        if let Some(rows) = self.levels.get_mut(&customer) {
            rows.retain(|row| {
                [row.product_line, row.price_code, row.ship_to] != names || row.effective != effective
            });
            if rows.is_empty() {
                self.levels.remove(&customer);
            }
        }
    }
}

fn item_terms(names: &mut Names, item: &Item) -> Result<ItemTerms, RecordError> {
    let six = |number| units(Dataset::Items, number);
    let standard_unit = (names.intern(&item.standard_unit), UNIT);
    let mut other_unit = |unit: &crate::records::Unit| {
        factor(unit.factor)
            .map(|factor| (names.intern(&unit.name), factor))
            .map_err(|_: PriceError| RecordError::TooLarge(Dataset::Items))
    };
    let units = [
        standard_unit,
        other_unit(&item.sales_unit)?,
        other_unit(&item.purchase_unit)?,
    ];
    Ok(ItemTerms {
        is_priced: match item.item_type {
            ItemType::Regular | ItemType::Miscellaneous => true,
            ItemType::Unpriced => false,
        },
        is_trade_discounted: item.is_trade_discounted,
        price_code: names.intern(&item.price_code),
        product_line: names.intern(&item.product_line),
        categories: [0, 1, 2, 3].map(|place: usize| names.intern(&item.categories[place])),
        units,
        standard_price: six(item.standard_price)?,
        standard_cost: six(item.standard_cost)?,
        average_cost: six(item.average_cost)?,
        last_cost: six(item.last_cost)?,
        promotion_code: names.intern(&item.promotion.code),
        promotion_price: six(item.promotion.price)?,
        promotion: PromotionTerms {
            starts: item.promotion.starts,
            ends: item.promotion.ends,
            method: item.promotion.method,
            percent: six(item.promotion.percent)?,
        },
    })
}

/// One standard unit in a standard unit.
pub(super) const UNIT: i64 = 10_000;
