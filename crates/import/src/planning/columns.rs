//! Columns that the configuration may give defaults for, by API name. Tax, totals and the
//! order's identity are not among those of an order: they are Sage's.

use super::CodeList;

/// A column that can be set.
#[derive(Clone, Copy, Debug)]
pub(super) struct Column {
    /// API name.
    pub(super) name: &'static str,
    /// Sage's, without suffix.
    pub(super) column: &'static str,
    pub(super) kind: Kind,
    /// The list that knows its codes.
    pub(super) list: Option<CodeList>,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    Text,
    /// With so many decimals.
    Number(u8),
}

const fn text(name: &'static str, column: &'static str) -> Column {
    Column {
        name,
        column,
        kind: Kind::Text,
        list: None,
    }
}

const fn code(name: &'static str, column: &'static str, list: CodeList) -> Column {
    Column {
        name,
        column,
        kind: Kind::Text,
        list: Some(list),
    }
}

const fn number(name: &'static str, column: &'static str, scale: u8) -> Column {
    Column {
        name,
        column,
        kind: Kind::Number(scale),
        list: None,
    }
}

/// Of `AR_Customer`, in the order in which they are set: a ZIP code may look up city and
/// state, so it comes before them.
pub(super) const CUSTOMER: [Column; 29] = [
    text("customer_name", "CustomerName"),
    text("address_line1", "AddressLine1"),
    text("address_line2", "AddressLine2"),
    text("address_line3", "AddressLine3"),
    text("zip_code", "ZipCode"),
    text("city", "City"),
    text("state", "State"),
    text("country_code", "CountryCode"),
    text("telephone_no", "TelephoneNo"),
    text("telephone_ext", "TelephoneExt"),
    text("email_address", "EmailAddress"),
    text("tax_exempt_no", "TaxExemptNo"),
    code("tax_schedule", "TaxSchedule", CodeList::TaxSchedule),
    code("terms_code", "TermsCode", CodeList::Terms),
    text("salesperson_division_no", "SalespersonDivisionNo"),
    text("salesperson_no", "SalespersonNo"),
    code("ship_method", "ShipMethod", CodeList::ShipVia),
    text("price_level", "PriceLevel"),
    text("customer_type", "CustomerType"),
    text("default_payment_type", "DefaultPaymentType"),
    text("comment", "Comment"),
    text("sort_field", "SortField"),
    text("open_item_customer", "OpenItemCustomer"),
    text("temporary_customer", "TemporaryCustomer"),
    text("statement_cycle", "StatementCycle"),
    text("residential_address", "ResidentialAddress"),
    text("credit_hold", "CreditHold"),
    number("credit_limit", "CreditLimit", 2),
    number("customer_discount_rate", "CustomerDiscountRate", 3),
];

/// Of `SO_SalesOrderHeader`.
pub(super) const ORDER: [Column; 11] = [
    code("warehouse_code", "WarehouseCode", CodeList::Warehouse),
    code("ship_via", "ShipVia", CodeList::ShipVia),
    text("fob", "FOB"),
    code("terms_code", "TermsCode", CodeList::Terms),
    text("confirm_to", "ConfirmTo"),
    text("email_address", "EmailAddress"),
    text("comment", "Comment"),
    text("salesperson_division_no", "SalespersonDivisionNo"),
    text("salesperson_no", "SalespersonNo"),
    text("job_no", "JobNo"),
    text("residential_address", "ResidentialAddress"),
];

/// A field that the configuration may give a default for.
#[derive(Clone, Copy, Debug)]
pub struct DefaultField {
    /// API name.
    pub name: &'static str,
    /// Decimals of a number; none for text.
    pub scale: Option<u8>,
    /// The list that knows its codes.
    pub list: Option<CodeList>,
}

/// Fields of orders that the configuration may give defaults for, beside user-defined ones.
pub fn order_defaults() -> impl Iterator<Item = DefaultField> {
    ORDER.iter().map(Column::default_field)
}

/// Fields of customers that the configuration may give defaults for, beside user-defined ones.
pub fn customer_defaults() -> impl Iterator<Item = DefaultField> {
    CUSTOMER.iter().map(Column::default_field)
}

impl Column {
    const fn default_field(&self) -> DefaultField {
        DefaultField {
            name: self.name,
            scale: match self.kind {
                Kind::Text => None,
                Kind::Number(scale) => Some(scale),
            },
            list: self.list,
        }
    }
}

/// Sage's column of a customer's field.
pub(super) fn customer_column(name: &str) -> Option<&'static str> {
    let column = CUSTOMER.iter().find(|column| column.name == name)?;
    Some(column.column)
}
