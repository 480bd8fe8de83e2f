//! The objects that can be made, and what each asks for.

use rusqlite::Connection;

use super::customer::Customer;
use super::deposit::Deposit;
use super::document::Document;
use super::order::Order;
use super::receipt::Receipt;
use super::record::StoreError;
use super::ship_to::ShipTo;

/// A kind of business object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Sales orders.
    SalesOrder,
    /// Customers.
    Customer,
    /// Ship-to addresses of customers.
    ShipTo,
    /// Deposits of a batch of cash receipts.
    Deposit,
    /// Cash receipts.
    Receipt,
}

/// A kind's names.
struct Names {
    object: &'static str,
    module: &'static str,
    task: &'static str,
    table: &'static str,
    noun: &'static str,
    records: &'static str,
}

impl Kind {
    const ALL: [Self; 5] = [
        Self::SalesOrder,
        Self::Customer,
        Self::ShipTo,
        Self::Deposit,
        Self::Receipt,
    ];

    /// The kind that `NewObject` is asked for.
    pub(crate) fn of_object(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.object() == name)
    }

    /// A new object of this kind.
    pub(crate) fn make(self, db: &Connection) -> Result<Box<dyn Document>, StoreError> {
        Ok(match self {
            Self::SalesOrder => Box::new(Order::open(db)?),
            Self::Customer => Box::new(Customer::open(db)?),
            Self::ShipTo => Box::new(ShipTo::open(db)?),
            Self::Deposit => Box::new(Deposit::open(db)?),
            Self::Receipt => Box::new(Receipt::open(db)?),
        })
    }

    /// `SO_SalesOrder_bus`, …; faults of one object carry it in their name.
    pub(crate) const fn object(self) -> &'static str {
        self.names().object
    }

    /// The module in which it can be made; its date is the posting date.
    pub(crate) const fn module(self) -> &'static str {
        self.names().module
    }

    /// The task whose program must be set.
    pub(crate) const fn task(self) -> &'static str {
        self.names().task
    }

    /// Has it `oLines`?
    pub(crate) const fn has_lines(self) -> bool {
        match self {
            Self::SalesOrder | Self::Receipt => true,
            Self::Customer | Self::ShipTo | Self::Deposit => false,
        }
    }

    /// The table of its header; locks stand under this name.
    pub(crate) const fn table(self) -> &'static str {
        self.names().table
    }

    /// What messages call a record.
    pub(crate) const fn noun(self) -> &'static str {
        self.names().noun
    }

    /// What messages call several records.
    pub(crate) const fn records(self) -> &'static str {
        self.names().records
    }

    const fn names(self) -> Names {
        match self {
            Self::SalesOrder => Names {
                object: "SO_SalesOrder_bus",
                module: "S/O",
                task: "SO_SalesOrder_ui",
                table: "SO_SalesOrderHeader",
                noun: "Sales order",
                records: "sales orders",
            },
            Self::Customer => Names {
                object: "AR_Customer_bus",
                module: "A/R",
                task: "AR_Customer_ui",
                table: "AR_Customer",
                noun: "Customer",
                records: "customers",
            },
            Self::ShipTo => Names {
                object: "SO_ShipToAddress_bus",
                module: "S/O",
                task: "SO_ShipToAddress_ui",
                table: "SO_ShipToAddress",
                noun: "Ship-to address",
                records: "ship-to addresses",
            },
            Self::Deposit => Names {
                object: "AR_CashReceiptsDeposit_bus",
                module: "A/R",
                task: "AR_CashReceipts_ui",
                table: "AR_CashReceiptsDeposit",
                noun: "Deposit",
                records: "deposits",
            },
            Self::Receipt => Names {
                object: "AR_CashReceipts_bus",
                module: "A/R",
                task: "AR_CashReceipts_ui",
                table: "AR_CashReceiptsHeader",
                noun: "Cash receipt",
                records: "cash receipts",
            },
        }
    }
}
