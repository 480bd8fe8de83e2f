//! The ERP's master data for planning.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use catalog::Catalog;
use expression::Value;
use import::Row;
use import::planning::{
    CodeList, CustomerFacts, ItemFacts, Knowledge, OpenInvoiceFacts, PaymentTypeFacts, ShipToFacts, Widths,
};
use jiff::SignedDuration;
use model::CustomerRef;
use sage::{ReadError, ReadErrorCode, Select};
use values::{Date, Decimal, Kind};

use super::customers::customer_of;
use super::{Erp, TIME_LIMIT};

/// How old the customers that are matched against may be.
const CUSTOMERS_AGE: SignedDuration = SignedDuration::from_secs(20);
/// Begins the name of a column that the site added.
const OWN: &str = "UDF_";

pub(super) const AMOUNT: Kind = Kind::Decimal { scale: 2 };
const QUANTITY: Kind = Kind::Decimal { scale: 6 };

const SHIP_TO_TEXTS: [&str; 9] = [
    "TaxSchedule",
    "ShipToName",
    "ShipToAddress1",
    "ShipToAddress2",
    "ShipToAddress3",
    "ShipToCity",
    "ShipToState",
    "ShipToZipCode",
    "ShipToCountryCode",
];

impl Erp {
    /// A row of a table by key, with all columns that a dataset of the catalog has of it and
    /// the site's own, by API name: what rules of the site may look at. Empty when there is no
    /// such row.
    pub(in crate::imports) fn facts(
        &mut self,
        table: &str,
        key: &[(&str, &str)],
    ) -> Result<BTreeMap<String, Value>, ReadError> {
        let mut fields = self.fields_of(table)?.to_vec();
        let own = self.own_columns(table)?.into_iter().map(|column| {
            let name = column.trim_start_matches(OWN).to_ascii_lowercase();
            (format!("udf.{name}"), column, Kind::Text)
        });
        fields.extend(own);
        let columns: Vec<(&str, Kind)> = fields.iter().map(|(_, c, k)| (c.as_str(), *k)).collect();
        let rows = self.typed_rows(table, &columns, key)?;
        let Some(row) = rows.first() else {
            return Ok(BTreeMap::new());
        };
        Ok(fields
            .into_iter()
            .filter(|(_, column, _)| row.has(column))
            .map(|(name, column, kind)| (name, value_of(row, &column, kind)))
            .collect())
    }

    /// A text of the row that these keys lead to.
    pub(in crate::imports) fn look_up(
        &mut self,
        table: &str,
        keys: &[(String, String)],
        column: &str,
    ) -> Result<Option<String>, ReadError> {
        let keys: Vec<(&str, &str)> = keys.iter().map(|(c, v)| (c.as_str(), v.as_str())).collect();
        let rows = self.rows(table, &[column], &keys)?;
        Ok(rows.first().map(|row| row.text(column).to_owned()))
    }

    /// What the catalog has of a table: API name, column, kind.
    fn fields_of(&mut self, table: &str) -> Result<&[(String, String, Kind)], ReadError> {
        if !self.fields.contains_key(table) {
            let datasets = standard_catalog()?.datasets().iter().filter(|d| d.table == table);
            let fields = datasets.flat_map(|d| d.fields.iter()).filter(|f| !f.is_udf());
            let fields = fields
                .map(|f| (f.name.clone(), f.column.clone(), f.kind))
                .collect();
            self.fields.insert(table.to_owned(), fields);
        }
        Ok(self.fields.get(table).map_or(&[], Vec::as_slice))
    }

    /// The site's own columns of a table.
    fn own_columns(&mut self, table: &str) -> Result<Vec<String>, ReadError> {
        let columns = self.table(table)?.iter().map(|column| column.name.clone());
        Ok(columns.filter(|name| name.starts_with(OWN)).collect())
    }

    fn is_empty(&mut self, table: &str, column: &str) -> Result<bool, ReadError> {
        let select = Select {
            table: table.to_owned(),
            columns: vec![sage::Column::new(column, Kind::Text)],
            conditions: Vec::new(),
            order_by: Vec::new(),
        };
        let page = self.reader.read(&select, 1, TIME_LIMIT)?;
        Ok(page.rows.num_rows() == 0)
    }
}

impl Knowledge for Erp {
    type Error = ReadError;

    fn item(&mut self, item_code: &str) -> Result<Option<ItemFacts>, ReadError> {
        let columns = self.facts("CI_Item", &[("ItemCode", item_code)])?;
        if columns.is_empty() {
            return Ok(None);
        }
        let columns: BTreeMap<String, String> = columns
            .into_iter()
            .map(|(name, value)| (name, value.to_string()))
            .collect();
        let text = |name: &str| columns.get(name).map_or("", String::as_str);
        let item_type = text("item_type").to_owned();
        let mut units: Vec<String> = [
            "sales_unit_of_measure",
            "standard_unit_of_measure",
            "purchase_unit_of_measure",
        ]
        .into_iter()
        .map(|name| text(name).to_owned())
        .filter(|unit| !unit.is_empty())
        .collect();
        units.dedup();
        let mut facts = ItemFacts {
            is_inactive: text("inactive_item") == "Y",
            product_type: text("product_type").to_owned(),
            explode_kit_items: text("explode_kit_items").to_owned(),
            units,
            ship_weight: Decimal::parse(text("ship_weight").trim(), 6).ok(),
            item_type,
            ..ItemFacts::default()
        };
        // What is left of it decides.
        self.counts_stock |= facts.product_type == "D";
        if facts.item_type == "1" {
            let stock = [
                ("WarehouseCode", Kind::Text),
                ("QuantityOnHand", QUANTITY),
                ("QuantityOnSalesOrder", QUANTITY),
                ("QuantityOnBackOrder", QUANTITY),
            ];
            let rows = self.typed_rows("IM_ItemWarehouse", &stock, &[("ItemCode", item_code)])?;
            let mut available = Some(Decimal::zero(6));
            for row in &rows {
                facts.warehouses.push(row.text("WarehouseCode").to_owned());
                let number = |column: &str| row.number(column).unwrap_or(Decimal::zero(6));
                let here = number("QuantityOnHand")
                    .checked_sub(number("QuantityOnSalesOrder"))
                    .and_then(|q| q.checked_sub(number("QuantityOnBackOrder")));
                available = available
                    .zip(here.ok())
                    .and_then(|(sum, here)| sum.checked_add(here).ok());
            }
            facts.available = available;
        }
        facts.columns = columns;
        Ok(Some(facts))
    }

    fn customer(&mut self, customer: &CustomerRef) -> Result<Option<CustomerFacts>, ReadError> {
        let key = [
            ("ARDivisionNo", customer.ar_division_no.as_str()),
            ("CustomerNo", customer.customer_no.as_str()),
        ];
        let own = self.own_columns("AR_Customer")?;
        let mut columns = Self::customer_columns();
        columns.extend(own.iter().map(|column| (column.as_str(), Kind::Text)));
        let rows = self.typed_rows("AR_Customer", &columns, &key)?;
        Ok(rows.first().map(|row| {
            let mut facts = customer_of(row);
            facts.texts.extend(own.iter().map(|column| {
                let name = column.trim_start_matches(OWN).to_ascii_lowercase();
                (format!("udf.{name}"), row.text(column).to_owned())
            }));
            facts
        }))
    }

    fn customers(&mut self) -> Result<&[CustomerFacts], ReadError> {
        let is_fresh = self
            .customers
            .as_ref()
            .is_some_and(|(at, _)| self.now.duration_since(*at) < CUSTOMERS_AGE);
        if !is_fresh {
            let customers = self.scan_customers()?;
            self.customers = Some((self.now, customers));
        }
        Ok(self.customers.as_ref().map_or(&[], |(_, all)| all.as_slice()))
    }

    fn ship_tos(&mut self, customer: &CustomerRef) -> Result<Vec<ShipToFacts>, ReadError> {
        let key = [
            ("ARDivisionNo", customer.ar_division_no.as_str()),
            ("CustomerNo", customer.customer_no.as_str()),
        ];
        let columns: Vec<&str> = ["ShipToCode"].into_iter().chain(SHIP_TO_TEXTS).collect();
        let rows = self.rows("SO_ShipToAddress", &columns, &key)?;
        Ok(rows
            .iter()
            .map(|row| ShipToFacts {
                ship_to_code: row.text("ShipToCode").to_owned(),
                texts: texts_of(row, &SHIP_TO_TEXTS),
            })
            .collect())
    }

    fn has_code(&mut self, list: CodeList, code: &str) -> Result<Option<bool>, ReadError> {
        let (table, key) = code_key(list, code);
        for (column, _) in &key {
            if !self.has_column(table, column)? {
                return Ok(None);
            }
        }
        if !self.rows(table, &[], &key)?.is_empty() {
            return Ok(Some(true));
        }
        // A site that keeps no such list is not asked for its codes.
        let column = key.first().map(|(column, _)| *column).unwrap_or_default();
        let is_empty = self.is_empty(table, column)?;
        Ok((!is_empty).then_some(false))
    }

    fn payment_type(&mut self, code: &str) -> Result<Option<PaymentTypeFacts>, ReadError> {
        let rows = self.rows("AR_PaymentType", &["PaymentMethod"], &[("PaymentType", code)])?;
        Ok(rows.first().map(|row| PaymentTypeFacts {
            method: row.text("PaymentMethod").to_owned(),
        }))
    }

    fn open_invoices(
        &mut self,
        customer: &CustomerRef,
        invoice_no: &str,
    ) -> Result<Vec<OpenInvoiceFacts>, ReadError> {
        let key = [
            ("ARDivisionNo", customer.ar_division_no.as_str()),
            ("CustomerNo", customer.customer_no.as_str()),
            ("InvoiceNo", invoice_no),
        ];
        let columns = [
            ("InvoiceType", Kind::Text),
            ("Balance", AMOUNT),
            ("DiscountAmt", AMOUNT),
            ("InvoiceDiscountDate", Kind::Date),
        ];
        let rows = self.typed_rows("AR_OpenInvoice", &columns, &key)?;
        let pending = self.typed_rows(
            "AR_CashReceiptsDetail",
            &[
                ("InvoiceType", Kind::Text),
                ("CheckNo", Kind::Text),
                ("AmountPosted", AMOUNT),
                ("DiscountAmt", AMOUNT),
            ],
            &key,
        )?;
        Ok(rows
            .iter()
            .map(|row| {
                let kind = row.text("InvoiceType");
                let zero = Decimal::zero(2);
                let sum = pending
                    .iter()
                    .filter(|p| p.text("InvoiceType") == kind || p.text("InvoiceType").is_empty())
                    .flat_map(|p| [p.number("AmountPosted"), p.number("DiscountAmt")])
                    .flatten()
                    .chain([self.queued.paid(customer, invoice_no, kind, &pending)])
                    .try_fold(zero, Decimal::checked_add);
                OpenInvoiceFacts {
                    invoice_type: kind.to_owned(),
                    balance: row.number("Balance").unwrap_or(zero),
                    pending: sum.unwrap_or(zero),
                    discount: row.number("DiscountAmt").unwrap_or(zero),
                    discount_until: row.date("InvoiceDiscountDate"),
                }
            })
            .collect())
    }

    fn invoice_owner(&mut self, invoice_no: &str) -> Result<Option<CustomerRef>, ReadError> {
        let columns = ["ARDivisionNo", "CustomerNo"];
        for table in ["AR_OpenInvoice", "AR_InvoiceHistoryHeader"] {
            let rows = self.rows(table, &columns, &[("InvoiceNo", invoice_no)])?;
            if let Some(row) = rows.first() {
                return Ok(Some(CustomerRef {
                    ar_division_no: row.text("ARDivisionNo").to_owned(),
                    customer_no: row.text("CustomerNo").to_owned(),
                }));
            }
        }
        Ok(None)
    }

    fn open_orders_with_po(
        &mut self,
        customer: &CustomerRef,
        customer_po_no: &str,
    ) -> Result<Vec<String>, ReadError> {
        let key = [
            ("ARDivisionNo", customer.ar_division_no.as_str()),
            ("CustomerNo", customer.customer_no.as_str()),
            ("CustomerPONo", customer_po_no),
        ];
        let rows = self.rows("SO_SalesOrderHeader", &["SalesOrderNo"], &key)?;
        Ok(rows
            .iter()
            .map(|row| row.text("SalesOrderNo").to_owned())
            .collect())
    }

    fn queued_amount(&mut self, customer: &CustomerRef) -> Result<Decimal, ReadError> {
        Ok(self.queued.ordered(customer))
    }

    fn alternates(&mut self, item_code: &str) -> Result<Vec<String>, ReadError> {
        self.counts_stock = true;
        let columns = ["Priority", "AlternateItem", "AlternateItemCode"];
        let mut rows = self.rows("IM_AlternateItem", &columns, &[("ItemCode", item_code)])?;
        rows.sort_by(|a, b| a.text("Priority").cmp(b.text("Priority")));
        Ok(rows
            .iter()
            .map(|row| {
                let item = row.text("AlternateItem");
                if item.is_empty() {
                    row.text("AlternateItemCode")
                } else {
                    item
                }
            })
            .filter(|item| !item.is_empty())
            .map(str::to_owned)
            .collect())
    }

    fn is_period_closed(&mut self, _module: &str, date: Date) -> Result<Option<bool>, ReadError> {
        Ok(self.settings.closed_through.map(|through| date <= through))
    }

    fn widths(&mut self, table: &str) -> Result<Widths, ReadError> {
        let mut widths = Widths::default();
        for column in self.table(table)? {
            let name = column.name.clone();
            match column.kind() {
                Kind::Decimal { scale } => {
                    widths.numbers.insert(name, scale);
                }
                Kind::Text | Kind::Json | Kind::Date => {
                    widths.texts.insert(name, column.width);
                }
            }
        }
        Ok(widths)
    }

    fn has_receipt_batches(&mut self) -> Result<Option<bool>, ReadError> {
        const COLUMN: &str = "CashReceiptsBatchEntry";
        if !self.has_column("AR_Options", COLUMN)? {
            return Ok(None);
        }
        let rows = self.rows("AR_Options", &[COLUMN], &[])?;
        Ok(rows.first().map(|row| row.text(COLUMN) != "N"))
    }
}

/// The catalog, which takes long to read and never changes.
fn standard_catalog() -> Result<&'static Catalog, ReadError> {
    static STANDARD: OnceLock<Catalog> = OnceLock::new();
    if let Some(catalog) = STANDARD.get() {
        return Ok(catalog);
    }
    let read = Catalog::standard();
    let catalog = read.map_err(|error| ReadError::new(ReadErrorCode::DriverError, error.to_string()))?;
    Ok(STANDARD.get_or_init(|| catalog))
}

/// The table of a list, and the key of this code in it. A salesperson is `division:number`.
pub(crate) fn code_key(list: CodeList, code: &str) -> (&'static str, Vec<(&'static str, &str)>) {
    match list {
        CodeList::Warehouse => ("IM_Warehouse", vec![("WarehouseCode", code)]),
        CodeList::Terms => ("AR_TermsCode", vec![("TermsCode", code)]),
        CodeList::ShipVia => ("SO_ShippingRateHeader", vec![("ShippingCode", code)]),
        CodeList::TaxSchedule => ("SY_SalesTaxSchedule", vec![("TaxSchedule", code)]),
        CodeList::Reason => ("SO_CancelReasonCode", vec![("CancelReasonCode", code)]),
        CodeList::Bank => ("GL_Bank", vec![("BankCode", code)]),
        CodeList::Division => ("AR_Division", vec![("ARDivisionNo", code)]),
        CodeList::Salesperson => {
            let (division, number) = code.split_once(':').unwrap_or((code, ""));
            let key = vec![("SalespersonDivisionNo", division), ("SalespersonNo", number)];
            ("AR_Salesperson", key)
        }
    }
}

/// Text columns by API name.
pub(super) fn texts_of(row: &Row, columns: &[&str]) -> BTreeMap<String, String> {
    columns
        .iter()
        .filter(|column| row.has(column))
        .map(|column| (api_name(column), row.text(column).to_owned()))
        .collect()
}

fn value_of(row: &Row, column: &str, kind: Kind) -> Value {
    match kind {
        Kind::Text | Kind::Json => Value::Text(row.text(column).to_owned()),
        Kind::Decimal { scale } => Value::Decimal(row.number(column).unwrap_or(Decimal::zero(scale))),
        Kind::Date => Value::Date(row.date(column)),
    }
}

/// `ShipToZipCode` is `ship_to_zip_code` in the API; digits stay with the word before.
fn api_name(column: &str) -> String {
    let mut name = String::new();
    for letter in column.chars() {
        if letter.is_ascii_uppercase() && !name.is_empty() {
            name.push('_');
        }
        name.push(letter.to_ascii_lowercase());
    }
    name
}
