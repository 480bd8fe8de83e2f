//! The ERP's tables, as far as imports read them.

use std::time::Duration;

use arrow_array::RecordBatch;
use import::MARKER_COLUMN;
use sage::{Cell, ColumnDecoder, ColumnInfo, Literal, Page, Probe, ReadError, ReadErrorCode, Reader, Select};

use super::Shared;
use super::world::{Line, Order, Shelf};

pub(super) struct SimReader(pub(super) Shared);

const HEADER: [&str; 8] = [
    "SalesOrderNo",
    "OrderStatus",
    "ARDivisionNo",
    "CustomerNo",
    "CustomerPONo",
    "UserCreatedKey",
    "DateCreated",
    "TimeCreated",
];

impl SimReader {
    fn names(&self, table: &str) -> Vec<String> {
        let world = self.0.borrow();
        let mut names: Vec<&str> = match table {
            "SO_SalesOrderHeader" => HEADER.to_vec(),
            "SO_SalesOrderHistoryHeader" if world.keeps_history => HEADER.to_vec(),
            "SO_SalesOrderDetail" => vec![
                "SalesOrderNo",
                "ItemCode",
                "ItemType",
                "QuantityOrdered",
                "ExtensionAmt",
            ],
            "SO_SalesOrderHistoryDetail" if world.keeps_history => {
                vec!["SalesOrderNo", "ItemCode", "ItemType", "QuantityOrderedOriginal"]
            }
            "AR_InvoiceHistoryHeader" => {
                vec![
                    "SalesOrderNo",
                    "ARDivisionNo",
                    "CustomerNo",
                    "CustomerPONo",
                    "InvoiceDate",
                ]
            }
            "CI_Item" => vec!["ItemCode", "ItemType"],
            "AR_Customer" => vec!["ARDivisionNo", "CustomerNo", "CustomerStatus", "TaxSchedule"],
            "IM_Warehouse" => vec!["WarehouseCode"],
            "AR_PaymentType" => vec!["PaymentType", "PaymentMethod"],
            "AR_OpenInvoice" => vec![
                "ARDivisionNo",
                "CustomerNo",
                "InvoiceNo",
                "InvoiceType",
                "Balance",
            ],
            "AR_CashReceiptsHeader" => vec![
                "BatchNo",
                "BankCode",
                "DepositNo",
                "ARDivisionNo",
                "CustomerNo",
                "CheckNo",
                "AmountReceived",
            ],
            table if world.receipt_history.contains(&table) => vec!["ARDivisionNo", "CustomerNo", "CheckNo"],
            "SY_User" if world.tells_users => vec!["UserLogon", "UserKey"],
            _ => Vec::new(),
        };
        let is_header = table == "SO_SalesOrderHeader" || table == "SO_SalesOrderHistoryHeader";
        if is_header && world.has_marker && !names.is_empty() {
            names.push(MARKER_COLUMN);
        }
        names.into_iter().map(str::to_owned).collect()
    }

    fn rows(&self, select: &Select) -> Vec<Vec<String>> {
        let key = |column: &str| {
            select
                .conditions
                .iter()
                .find(|c| c.column == column)
                .map_or("", |c| match &c.literal {
                    Literal::Text(text) => text.as_str(),
                    Literal::Date(_) => "",
                })
        };
        let pick = |values: &dyn Fn(&str) -> String| -> Vec<String> {
            select.columns.iter().map(|column| values(&column.name)).collect()
        };
        let number = key("SalesOrderNo");
        let world = self.0.borrow();
        let order = world.orders.get(number);
        let on = |shelf: fn(Shelf) -> bool| order.filter(|order| shelf(order.shelf));
        let is_mirrored = |_: Shelf| true;
        match select.table.as_str() {
            "SO_SalesOrderHeader" => on(|s| s == Shelf::Open)
                .map(|o| pick(&|c| header(number, o, c)))
                .into_iter()
                .collect(),
            "SO_SalesOrderHistoryHeader" => on(is_mirrored)
                .map(|o| {
                    pick(&|c| {
                        if c == MARKER_COLUMN && !world.maps_history {
                            String::new()
                        } else {
                            header(number, o, c)
                        }
                    })
                })
                .into_iter()
                .collect(),
            "SO_SalesOrderDetail" => lines(on(|s| s == Shelf::Open), &pick),
            "SO_SalesOrderHistoryDetail" => lines(on(is_mirrored), &pick),
            "AR_InvoiceHistoryHeader" => on(|s| matches!(s, Shelf::Invoiced(_)))
                .map(|o| pick(&|c| header(number, o, c)))
                .into_iter()
                .collect(),
            "SY_User" if key("UserLogon") == "WEB" => vec![pick(&|_| String::from("WEB"))],
            "CI_Item" if key("ItemCode") != "NONE" => vec![pick(&|_| String::from("1"))],
            "AR_Customer" if matches!(key("CustomerNo"), "ABF" | "XYZ") => {
                vec![pick(&|column| match column {
                    "ARDivisionNo" => "01".into(),
                    "CustomerNo" => key("CustomerNo").to_owned(),
                    "TaxSchedule" => "WI".into(),
                    _ => "A".into(),
                })]
            }
            "AR_PaymentType" => vec![pick(&|_| String::from("CHECK"))],
            "AR_OpenInvoice" if key("InvoiceNo") == "0100001" => vec![pick(&|column| match column {
                "ARDivisionNo" => "01".into(),
                "CustomerNo" => "ABF".into(),
                "InvoiceType" => "IN".into(),
                "Balance" => "100.00".into(),
                _ => "0100001".into(),
            })],
            "IM_Warehouse" if matches!(key("WarehouseCode"), "" | "000") => {
                vec![pick(&|_| String::from("000"))]
            }
            _ => Vec::new(),
        }
    }
}

fn header(number: &str, order: &Order, column: &str) -> String {
    match column {
        "SalesOrderNo" => number.to_owned(),
        "OrderStatus" => "N".into(),
        "ARDivisionNo" => "01".into(),
        "CustomerNo" => order.customer.clone(),
        "CustomerPONo" => order.po.clone(),
        "UserCreatedKey" => order.user.into(),
        "DateCreated" => order.created.date().to_string(),
        "TimeCreated" => order.created.hours_text(),
        "InvoiceDate" => match order.shelf {
            Shelf::Invoiced(date) => date.to_string(),
            Shelf::Open | Shelf::History => String::new(),
        },
        MARKER_COLUMN => order.marker.clone(),
        _ => panic!("{column} is not simulated"),
    }
}

/// From the value of a column to a row of the columns asked for.
type Pick<'a> = &'a dyn Fn(&dyn Fn(&str) -> String) -> Vec<String>;

fn lines(order: Option<&Order>, pick: Pick<'_>) -> Vec<Vec<String>> {
    let lines = order.map(|order| order.lines.as_slice()).unwrap_or_default();
    lines
        .iter()
        .map(|line| pick(&|column| line_value(line, column)))
        .collect()
}

fn line_value(line: &Line, column: &str) -> String {
    match column {
        "SalesOrderNo" => String::new(),
        "ItemCode" => line.item.clone(),
        "ItemType" => "1".into(),
        "QuantityOrdered" | "QuantityOrderedOriginal" => line.quantity.to_string(),
        "ExtensionAmt" => line.extension.to_string(),
        _ => panic!("{column} is not simulated"),
    }
}

impl Reader for SimReader {
    fn probe(&mut self) -> Result<Probe, ReadError> {
        Ok(Probe {
            driver: "simulation".into(),
            driver_version: "1".into(),
            database: "ABC".into(),
        })
    }

    fn tables(&mut self) -> Result<Vec<String>, ReadError> {
        Ok(Vec::new())
    }

    fn columns(&mut self, table: &str) -> Result<Vec<ColumnInfo>, ReadError> {
        let info = |name| ColumnInfo {
            name,
            type_name: "text".into(),
            width: 0,
            scale: 0,
        };
        Ok(self.names(table).into_iter().map(info).collect())
    }

    fn read(&mut self, select: &Select, _: usize, _: Duration) -> Result<Page, ReadError> {
        self.0.borrow_mut().tick(Duration::from_millis(30));
        let hides = select.table == "AR_CashReceiptsHeader" && self.0.borrow().hides_receipts;
        if hides || self.0.borrow_mut().strikes(3) {
            return Err(ReadError::new(ReadErrorCode::BridgeLost, "lost"));
        }
        let rows = self.rows(select);
        let mut columns = Vec::new();
        for (place, column) in select.columns.iter().enumerate() {
            let mut decoder = ColumnDecoder::new(column);
            rows.iter().for_each(|row| decoder.push(Cell::Text(&row[place])));
            columns.push((column.name.clone(), decoder.finish().unwrap().0));
        }
        Ok(Page {
            rows: RecordBatch::try_from_iter(columns).unwrap(),
            end: true,
            findings: Vec::new(),
        })
    }
}
