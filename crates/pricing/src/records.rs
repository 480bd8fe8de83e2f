//! The records that prices are made of, as plain structs. Numbers come at any scale.

use values::{Date, Decimal};

/// A record of one of the datasets that prices depend on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Record {
    /// `company_options`
    CompanyOptions(CompanyOptions),
    /// `customers`
    Customer(Customer),
    /// `items`
    Item(Box<Item>),
    /// `price_codes`
    Price(PriceRecord),
    /// `price_levels_by_customer`
    PriceLevel(PriceLevel),
    /// `promotions`
    Promotion(Promotion),
}

/// What the company's sales order options say about prices.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CompanyOptions {
    /// `DefaultPriceLevelByCust`: records by customer choose the level.
    pub price_level_by_customer: bool,
    /// `PriceByTotalQuantity`: quantities of several lines count together.
    pub price_by_total_quantity: CompanyTotals,
}

/// What the company says of quantities of several lines. What Sage keeps for each choice of its
/// screen is not published.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum CompanyTotals {
    /// Blank or N: each line by itself.
    #[default]
    Apart,
    /// Y: together.
    Together,
    /// Something else: together in a way that is not known.
    Other(String),
}

/// A customer (`AR_Customer`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Customer {
    /// Division; part of the key.
    pub division: String,
    /// Number inside the division.
    pub customer_no: String,
    /// Price level; blank is the standard level.
    pub price_level: String,
    /// `CustomerDiscountRate`, in percent.
    pub discount_percent: Decimal,
}

/// An item (`CI_Item`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// The item.
    pub item_code: String,
    /// What kind of line it makes.
    pub item_type: ItemType,
    /// Groups items for price records.
    pub price_code: String,
    /// Product line: price levels by customer and total quantities go by it.
    pub product_line: String,
    /// `Category1` to `Category4`: total quantities may go by one of them.
    pub categories: [String; 4],
    /// Unit that stock, cost and (as delivered) prices are kept in.
    pub standard_unit: String,
    /// Unit that a line starts with; without a name it is the standard unit.
    pub sales_unit: Unit,
    /// Unit of purchases, which a line may have, too.
    pub purchase_unit: Unit,
    /// `StandardUnitPrice`.
    pub standard_price: Decimal,
    /// `StandardUnitCost`, per standard unit.
    pub standard_cost: Decimal,
    /// `AverageUnitCost`, per standard unit.
    pub average_cost: Decimal,
    /// `LastTotalUnitCost`, per standard unit.
    pub last_cost: Decimal,
    /// The sale that the item is in.
    pub promotion: ItemPromotion,
    /// Whether the order's trade discount takes the item in.
    pub is_trade_discounted: bool,
}

/// A unit of measure of an item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unit {
    /// Its name.
    pub name: String,
    /// Standard units in one; zero counts as one.
    pub factor: Decimal,
}

/// The promotion columns of an item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ItemPromotion {
    /// `SalesPromotionCode`.
    pub code: String,
    /// First day; none is from ever.
    pub starts: Option<Date>,
    /// Last day; none is for ever.
    pub ends: Option<Date>,
    /// How it lowers the price.
    pub method: SaleMethod,
    /// `SalesPromotionPrice`.
    pub price: Decimal,
    /// `SalesPromotionDiscountPercent`, off the standard price.
    pub percent: Decimal,
}

/// A sales promotion as the list of promotions has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Promotion {
    /// The code that items name.
    pub code: String,
    /// First day; none is from ever.
    pub starts: Option<Date>,
    /// Last day; none is for ever.
    pub ends: Option<Date>,
    /// How it lowers the price.
    pub method: SaleMethod,
    /// Percent off the standard price.
    pub percent: Decimal,
}

/// `SaleMethod`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SaleMethod {
    /// `D`
    Discount,
    /// `P`
    Price,
    /// `N`, blank and anything else.
    None,
}

/// `ItemType`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ItemType {
    /// `1`: counted and priced.
    Regular,
    /// `5`: counted and priced, without stock.
    Miscellaneous,
    /// `3`, `4` and anything else: an amount, or words.
    Unpriced,
}

/// A price record (`IM_PriceCode`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PriceRecord {
    /// Whom it is for.
    pub kind: PriceRecordKind,
    /// `PriceCode`
    pub price_code: String,
    /// `ItemCode`
    pub item_code: String,
    /// `CustomerPriceLevel`; blank is the standard level.
    pub price_level: String,
    /// `ARDivisionNo`
    pub division: String,
    /// `CustomerNo`
    pub customer_no: String,
    /// What its amounts mean.
    pub method: Method,
    /// `BreakQuantity1` with `DiscountMarkup1`, and so on.
    pub breaks: [Break; 5],
}

/// `PriceCodeRecord`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PriceRecordKind {
    /// `0`: a price code and a level.
    PriceCode,
    /// The same, with a blank `PriceCodeRecord`.
    PriceCodeBlank,
    /// `1`: an item and a level.
    Item,
    /// `2`: an item and a customer.
    Customer,
}

/// `PricingMethod`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// `C`: cost plus an amount.
    CostMarkupAmount,
    /// `D`: standard price less a percentage.
    DiscountPercent,
    /// `M`: cost plus a percentage.
    CostMarkupPercent,
    /// `O`: this price.
    Override,
    /// `P`: standard price less an amount.
    DiscountAmount,
    /// Blank, or a letter that is not known.
    Blank,
}

/// A quantity break.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Break {
    /// Upper bound of the quantity, itself included.
    pub up_to: Decimal,
    /// Amount, percent or price, as the method says.
    pub amount: Decimal,
}

/// A price level of a customer (`AR_PriceLevelByCustomer`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PriceLevel {
    /// Division of the customer.
    pub division: String,
    /// The customer.
    pub customer_no: String,
    /// Product line; blank is all.
    pub product_line: String,
    /// Price code; blank is all.
    pub price_code: String,
    /// Ship-to address; blank is all.
    pub ship_to_code: String,
    /// First day; none is from ever.
    pub effective: Option<Date>,
    /// Last day; none is for ever.
    pub ends: Option<Date>,
    /// The level meanwhile.
    pub price_level: String,
}
