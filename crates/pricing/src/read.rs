//! Records from the hub's fields, which are named as in the catalog and are texts.

use std::fmt;
use std::str::FromStr;

use values::{Date, Decimal, parse_date};

use crate::records::{
    Break, CompanyOptions, CompanyTotals, Customer, Item, ItemPromotion, ItemType, Method, PriceLevel,
    PriceRecord, PriceRecordKind, Promotion, Record, SaleMethod, Unit,
};

/// The datasets that prices depend on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Dataset {
    /// The company's options. Read are the fields of its child `sales_order_options`.
    CompanyOptions,
    /// Customers.
    Customers,
    /// Items.
    Items,
    /// Price records.
    PriceCodes,
    /// Price levels by customer.
    PriceLevelsByCustomer,
    /// Sales promotions.
    Promotions,
}

impl Dataset {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::CompanyOptions,
        Self::Customers,
        Self::Items,
        Self::PriceCodes,
        Self::PriceLevelsByCustomer,
        Self::Promotions,
    ];

    /// Its name in the catalog.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::CompanyOptions => "company_options",
            Self::Customers => "customers",
            Self::Items => "items",
            Self::PriceCodes => "price_codes",
            Self::PriceLevelsByCustomer => "price_levels_by_customer",
            Self::Promotions => "promotions",
        }
    }

    /// The dataset of that name, if prices depend on it.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|dataset| dataset.name() == name)
    }

    /// The fields that [`Record::read`] asks for. Those of
    /// [`CompanyOptions`](Self::CompanyOptions) are of its child `sales_order_options`.
    #[must_use]
    pub const fn fields(self) -> &'static [&'static str] {
        match self {
            Self::CompanyOptions => &["default_price_level_by_cust", "price_by_total_quantity"],
            Self::Customers => &[
                "ar_division_no",
                "customer_no",
                "price_level",
                "customer_discount_rate",
            ],
            Self::Items => &[
                "item_code",
                "item_type",
                "price_code",
                "product_line",
                "category1",
                "category2",
                "category3",
                "category4",
                "standard_unit_of_measure",
                "sales_unit_of_measure",
                "sales_um_conv_fctr",
                "purchase_unit_of_measure",
                "purchase_um_conv_fctr",
                "standard_unit_price",
                "standard_unit_cost",
                "average_unit_cost",
                "last_total_unit_cost",
                "sales_promotion_code",
                "sale_starting_date",
                "sale_ending_date",
                "sale_method",
                "sales_promotion_price",
                "sales_promotion_discount_percent",
                "allow_trade_discount",
            ],
            Self::PriceCodes => &[
                "price_code_record",
                "price_code",
                "item_code",
                "customer_price_level",
                "ar_division_no",
                "customer_no",
                "pricing_method",
                "break_quantity1",
                "break_quantity2",
                "break_quantity3",
                "break_quantity4",
                "break_quantity5",
                "discount_markup1",
                "discount_markup2",
                "discount_markup3",
                "discount_markup4",
                "discount_markup5",
            ],
            Self::PriceLevelsByCustomer => &[
                "ar_division_no",
                "customer_no",
                "product_line",
                "price_code",
                "ship_to_code",
                "effective_date",
                "end_date",
                "price_level",
            ],
            Self::Promotions => &[
                "promotion_code",
                "sale_starting_date",
                "sale_ending_date",
                "sale_method",
                "sales_promotion_discount_percent",
            ],
        }
    }
}

impl fmt::Display for Dataset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A record's fields by name, as texts; one that is absent is blank.
pub type Fields<'a> = &'a dyn Fn(&str) -> Option<&'a str>;

/// A record that no price can be made of.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// A field holds what it cannot mean.
    #[error("{dataset}.{field} is {text:?}, which is no {expected}")]
    Field {
        /// The dataset.
        dataset: Dataset,
        /// The field.
        field: &'static str,
        /// What it holds.
        text: String,
        /// What it should.
        expected: &'static str,
    },
    /// A key that is not one of this dataset's.
    #[error("{0} has no such key: {1}")]
    Key(Dataset, String),
    /// An amount beyond what an amount holds.
    #[error("{0}: an amount is too large")]
    TooLarge(Dataset),
}

impl Record {
    /// Builds a record from its fields; an absent one is blank.
    ///
    /// # Errors
    /// [`RecordError::Field`]
    pub fn read<'f>(dataset: Dataset, field: impl Fn(&str) -> Option<&'f str>) -> Result<Self, RecordError> {
        let fields = Reader { dataset, field };
        Ok(match dataset {
            Dataset::CompanyOptions => Self::CompanyOptions(CompanyOptions {
                price_level_by_customer: fields.get("default_price_level_by_cust") == "Y",
                price_by_total_quantity: match fields.get("price_by_total_quantity") {
                    "" | "N" => CompanyTotals::Apart,
                    "Y" => CompanyTotals::Together,
                    other => CompanyTotals::Other(other.to_owned()),
                },
            }),
            Dataset::Customers => Self::Customer(Customer {
                division: fields.text("ar_division_no"),
                customer_no: fields.text("customer_no"),
                price_level: fields.text("price_level"),
                discount_percent: fields.number("customer_discount_rate")?,
            }),
            Dataset::Items => Self::Item(Box::new(fields.item()?)),
            Dataset::PriceCodes => Self::Price(fields.price_record()?),
            Dataset::PriceLevelsByCustomer => Self::PriceLevel(PriceLevel {
                division: fields.text("ar_division_no"),
                customer_no: fields.text("customer_no"),
                product_line: fields.text("product_line"),
                price_code: fields.text("price_code"),
                ship_to_code: fields.text("ship_to_code"),
                effective: fields.date("effective_date")?,
                ends: fields.date("end_date")?,
                price_level: fields.text("price_level"),
            }),
            Dataset::Promotions => Self::Promotion(Promotion {
                code: fields.text("promotion_code"),
                starts: fields.date("sale_starting_date")?,
                ends: fields.date("sale_ending_date")?,
                method: fields.sale_method(),
                percent: fields.number("sales_promotion_discount_percent")?,
            }),
        })
    }
}

struct Reader<F> {
    dataset: Dataset,
    field: F,
}

impl<'f, F: Fn(&str) -> Option<&'f str>> Reader<F> {
    fn get(&self, name: &str) -> &'f str {
        (self.field)(name).unwrap_or_default().trim_end()
    }

    fn text(&self, name: &'static str) -> String {
        self.get(name).to_owned()
    }

    fn number(&self, name: &'static str) -> Result<Decimal, RecordError> {
        let text = self.get(name);
        if text.is_empty() {
            return Ok(Decimal::zero(0));
        }
        Decimal::from_str(text).map_err(|_| self.problem(name, text, "number"))
    }

    fn date(&self, name: &'static str) -> Result<Option<Date>, RecordError> {
        let text = self.get(name);
        parse_date(text).map_err(|_| self.problem(name, text, "date"))
    }

    fn problem(&self, field: &'static str, text: &str, expected: &'static str) -> RecordError {
        RecordError::Field {
            dataset: self.dataset,
            field,
            text: text.to_owned(),
            expected,
        }
    }

    fn sale_method(&self) -> SaleMethod {
        match self.get("sale_method") {
            "D" => SaleMethod::Discount,
            "P" => SaleMethod::Price,
            _ => SaleMethod::None,
        }
    }

    fn item(&self) -> Result<Item, RecordError> {
        Ok(Item {
            item_code: self.text("item_code"),
            item_type: match self.get("item_type") {
                "1" => ItemType::Regular,
                "5" => ItemType::Miscellaneous,
                _ => ItemType::Unpriced,
            },
            price_code: self.text("price_code"),
            product_line: self.text("product_line"),
            categories: ["category1", "category2", "category3", "category4"].map(|name| self.text(name)),
            standard_unit: self.text("standard_unit_of_measure"),
            sales_unit: Unit {
                name: self.text("sales_unit_of_measure"),
                factor: self.number("sales_um_conv_fctr")?,
            },
            purchase_unit: Unit {
                name: self.text("purchase_unit_of_measure"),
                factor: self.number("purchase_um_conv_fctr")?,
            },
            standard_price: self.number("standard_unit_price")?,
            standard_cost: self.number("standard_unit_cost")?,
            average_cost: self.number("average_unit_cost")?,
            last_cost: self.number("last_total_unit_cost")?,
            promotion: ItemPromotion {
                code: self.text("sales_promotion_code"),
                starts: self.date("sale_starting_date")?,
                ends: self.date("sale_ending_date")?,
                method: self.sale_method(),
                price: self.number("sales_promotion_price")?,
                percent: self.number("sales_promotion_discount_percent")?,
            },
            is_trade_discounted: self.get("allow_trade_discount") != "N",
        })
    }

    fn price_record(&self) -> Result<PriceRecord, RecordError> {
        let record = self.get("price_code_record");
        let kind = match record {
            "0" => PriceRecordKind::PriceCode,
            "" => PriceRecordKind::PriceCodeBlank,
            "1" => PriceRecordKind::Item,
            "2" => PriceRecordKind::Customer,
            other => {
                return Err(self.problem(
                    "price_code_record",
                    other,
                    "kind of price record: 0, 1, 2 or blank",
                ));
            }
        };
        let tier = |bound, amount| -> Result<Break, RecordError> {
            Ok(Break {
                up_to: self.number(bound)?,
                amount: self.number(amount)?,
            })
        };
        Ok(PriceRecord {
            kind,
            price_code: self.text("price_code"),
            item_code: self.text("item_code"),
            price_level: self.text("customer_price_level"),
            division: self.text("ar_division_no"),
            customer_no: self.text("customer_no"),
            method: match self.get("pricing_method") {
                "C" => Method::CostMarkupAmount,
                "D" => Method::DiscountPercent,
                "M" => Method::CostMarkupPercent,
                "O" => Method::Override,
                "P" => Method::DiscountAmount,
                _ => Method::Blank,
            },
            breaks: [
                tier("break_quantity1", "discount_markup1")?,
                tier("break_quantity2", "discount_markup2")?,
                tier("break_quantity3", "discount_markup3")?,
                tier("break_quantity4", "discount_markup4")?,
                tier("break_quantity5", "discount_markup5")?,
            ],
        })
    }
}
