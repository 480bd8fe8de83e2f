//! What is not known of Sage, or differs from site to site, as choices. `docs/prices.md` says
//! how well each is founded. The defaults are what the sandbox does.

use serde::{Deserialize, Serialize};

/// How prices are worked out where more than one way is possible.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// Cost that the methods C and M start from.
    pub markup_base: MarkupBase,
    /// Unit that prices and amounts of records are for.
    pub prices_per: PricesPer,
    /// Unit that break quantities count.
    pub breaks_count: BreaksCount,
    /// A break quantity of zero.
    pub zero_bound: ZeroBound,
    /// A quantity above the last bound.
    pub above_last_break: AboveLastBreak,
    /// A record whose method is blank or unknown.
    pub blank_method: BlankMethod,
    /// When results are rounded.
    pub rounding: Rounding,
    /// Decimals of a unit price, 0 to 6.
    #[serde(deserialize_with = "decimals")]
    pub price_decimals: u8,
    /// A price below zero.
    pub negative_price: NegativePrice,
    /// Where dates and method of a promotion come from.
    pub promotion_source: PromotionSource,
    /// A promotion price of zero.
    pub zero_promotion: ZeroPromotion,
    /// Whether records by customer choose the price level.
    pub level_by_customer: LevelByCustomer,
    /// Which of two such records is the closer one.
    pub level_order: LevelOrder,
    /// Such a record with a blank level.
    pub blank_level: BlankLevel,
    /// Whether quantities of several lines count together.
    pub total_quantity: TotalQuantity,
    /// Which lines count together.
    pub total_by: TotalBy,
    /// Lines whose product line or category is blank.
    pub total_blank: TotalBlank,
    /// What the customer's discount rate lowers.
    pub customer_discount: CustomerDiscount,
}

/// Sage's unit prices have six decimals.
pub(crate) const PRICE_SCALE: u8 = 6;

impl Default for Options {
    fn default() -> Self {
        Self {
            markup_base: MarkupBase::default(),
            prices_per: PricesPer::default(),
            breaks_count: BreaksCount::default(),
            zero_bound: ZeroBound::default(),
            above_last_break: AboveLastBreak::default(),
            blank_method: BlankMethod::default(),
            rounding: Rounding::default(),
            price_decimals: PRICE_SCALE,
            negative_price: NegativePrice::default(),
            promotion_source: PromotionSource::default(),
            zero_promotion: ZeroPromotion::default(),
            level_by_customer: LevelByCustomer::default(),
            level_order: LevelOrder::default(),
            blank_level: BlankLevel::default(),
            total_quantity: TotalQuantity::default(),
            total_by: TotalBy::default(),
            total_blank: TotalBlank::default(),
            customer_discount: CustomerDiscount::default(),
        }
    }
}

fn decimals<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<u8, D::Error> {
    let decimals = u8::deserialize(deserializer)?;
    if decimals <= PRICE_SCALE {
        Ok(decimals)
    } else {
        Err(serde::de::Error::custom("price_decimals is 0 to 6"))
    }
}

macro_rules! choice {
    ($(#[$about:meta])* $name:ident { $(#[$first_about:meta])* $first:ident, $($(#[$other_about:meta])* $other:ident,)+ }) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum $name {
            $(#[$first_about])*
            #[default]
            $first,
            $($(#[$other_about])* $other,)+
        }

        impl $name {
            /// The choices, the default first.
            pub const ALL: &[Self] = &[Self::$first, $(Self::$other,)+];
        }
    };
}

choice! {
    /// What the methods C (plus an amount) and M (plus a percentage) start from.
    MarkupBase {
        /// `StandardUnitCost`.
        StandardCost,
        /// `AverageUnitCost`.
        AverageCost,
        /// `LastTotalUnitCost`.
        LastCost,
        /// `StandardUnitPrice`: no cost at all.
        StandardPrice,
    }
}

choice! {
    /// What a standard price, an override, a discount or mark-up amount and a promotion price
    /// is the price of. Costs are always per standard unit.
    PricesPer {
        /// One standard unit.
        StandardUnit,
        /// One sales unit.
        SalesUnit,
    }
}

choice! {
    /// What a quantity is counted in before it is held against the bounds.
    BreaksCount {
        /// Standard units.
        StandardUnits,
        /// Sales units.
        SalesUnits,
        /// Whatever unit the line is in.
        LineUnits,
    }
}

choice! {
    /// What a bound of zero means. In the first place it has no limit, always.
    ZeroBound {
        /// The list ends before it.
        Ends,
        /// It has no limit if it has an amount; without one the list ends.
        NoLimit,
    }
}

choice! {
    /// What happens to quantities above the last bound.
    AboveLastBreak {
        /// The last amount counts.
        LastBreak,
        /// The record has no price for them: the next rule is tried.
        NextRule,
    }
}

choice! {
    /// What a record without a known method does.
    BlankMethod {
        /// It gives the standard price.
        StandardPrice,
        /// It is read as C, which is the field's default.
        CostMarkupAmount,
        /// It has no price: the next rule is tried.
        NextRule,
    }
}

choice! {
    /// When digits beyond the sixth decimal go. Half goes away from zero.
    Rounding {
        /// After each step: the amount of a percentage, the price in the unit that prices are
        /// kept in, the price in the line's unit.
        EachStep,
        /// Once, at the end.
        Once,
    }
}

choice! {
    /// What a discount beyond the price comes to.
    NegativePrice {
        /// The price below zero, as computed.
        AsComputed,
        /// Zero.
        Zero,
    }
}

choice! {
    /// Where dates, method and percentage of a promotion come from. Its price is the item's.
    PromotionSource {
        /// The item's own columns.
        Item,
        /// The list of promotions if it has the item's code, else the item's columns.
        Promotion,
    }
}

choice! {
    /// What a promotion price of zero means.
    ZeroPromotion {
        /// A price of zero.
        Counts,
        /// No price: the promotion is as if it were not there.
        Ignored,
    }
}

choice! {
    /// When records by customer choose the price level.
    LevelByCustomer {
        /// When the company's sales order options say so.
        AsCompany,
        /// Always.
        Always,
        /// Never.
        Never,
    }
}

choice! {
    /// Which record is the closer one when both a price code's and a ship-to's fit. One of a
    /// product line is closer than one of all, and the later of two is the closer one.
    LevelOrder {
        /// That of the price code.
        PriceCodeFirst,
        /// That of the ship-to address.
        ShipToFirst,
    }
}

choice! {
    /// What a record by customer with a blank level means.
    BlankLevel {
        /// The standard level.
        Standard,
        /// Nothing: the customer's own level counts.
        Ignored,
    }
}

choice! {
    /// When quantities of several lines count together.
    TotalQuantity {
        /// When the company's sales order options say so.
        AsCompany,
        /// Always.
        Always,
        /// Never.
        Never,
    }
}

choice! {
    /// Which lines count together.
    TotalBy {
        /// As the company's sales order options say: all lines for Y. Where they say something
        /// that is not known here, orders of several lines have no price.
        AsCompany,
        /// All lines of the order.
        AllLines,
        /// Lines of the same product line.
        ProductLine,
        /// Lines whose items have the same `Category1`.
        Category1,
        /// Lines whose items have the same `Category2`.
        Category2,
        /// Lines whose items have the same `Category3`.
        Category3,
        /// Lines whose items have the same `Category4`.
        Category4,
    }
}

choice! {
    /// What becomes of lines that have no product line or category.
    TotalBlank {
        /// Each counts alone.
        Alone,
        /// They count together.
        Together,
    }
}

choice! {
    /// What the customer's discount rate lowers.
    CustomerDiscount {
        /// The order, as trade discount; items may be excepted.
        Order,
        /// Each line, as line discount; items may be excepted.
        Line,
        /// Nothing.
        Ignored,
    }
}
