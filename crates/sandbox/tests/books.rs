//! The books add up, whatever is played: what customers owe, what orders hold, what is in stock.
#![expect(clippy::panic, reason = "tests may stop where they stand")]

use sandbox::play::{Options, play};
use sandbox::{Company, Plan, Profile, create, system_clock};

fn count(company: &Company, sql: &str) -> i64 {
    company
        .connection()
        .query_row(sql, [], |row| row.get(0))
        .unwrap_or_else(|e| panic!("{sql}: {e}"))
}

/// What must not be there in any company, and how many of it there are.
const BOOKS: [(&str, &str); 11] = [
    (
        "customers who owe another amount than their open invoices",
        "SELECT count(*) FROM AR_Customer c WHERE abs(CAST(CurrentBalance AS REAL) + CAST(AgingCategory1 AS REAL) \
         + CAST(AgingCategory2 AS REAL) + CAST(AgingCategory3 AS REAL) + CAST(AgingCategory4 AS REAL) \
         - (SELECT coalesce(sum(CAST(Balance AS REAL)), 0) FROM AR_OpenInvoice o \
         WHERE o.ARDivisionNo = c.ARDivisionNo AND o.CustomerNo = c.CustomerNo)) > 0.005",
    ),
    (
        "customers who owe less than nothing",
        "SELECT count(*) FROM AR_Customer WHERE CAST(CurrentBalance AS REAL) < 0 OR CAST(AgingCategory1 AS REAL) < 0",
    ),
    (
        "customers who wait for another amount than their orders",
        "SELECT count(*) FROM AR_Customer c WHERE abs(CAST(OpenOrderAmt AS REAL) - (SELECT coalesce(sum( \
         CAST(TaxableAmt AS REAL) + CAST(NonTaxableAmt AS REAL) - CAST(DiscountAmt AS REAL) \
         + CAST(SalesTaxAmt AS REAL) + CAST(FreightAmt AS REAL)), 0) FROM SO_SalesOrderHeader h \
         WHERE OrderType IN ('S', 'B') AND h.ARDivisionNo = c.ARDivisionNo AND h.CustomerNo = c.CustomerNo)) > 0.005",
    ),
    (
        "items whose total is not their stock",
        "SELECT count(*) FROM CI_Item i WHERE ItemType = '1' AND ProductType <> 'K' AND CAST(TotalQuantityOnHand AS REAL) <> \
         (SELECT sum(CAST(QuantityOnHand AS REAL)) FROM IM_ItemWarehouse w WHERE w.ItemCode = i.ItemCode)",
    ),
    (
        "orders that are not the sum of their lines",
        "SELECT count(*) FROM SO_SalesOrderHeader h WHERE abs(CAST(TaxableAmt AS REAL) + CAST(NonTaxableAmt AS REAL) - \
         (SELECT sum(CAST(ExtensionAmt AS REAL)) FROM SO_SalesOrderDetail d WHERE d.SalesOrderNo = h.SalesOrderNo)) > 0.005",
    ),
    (
        "items on a sale that nobody made",
        "SELECT count(*) FROM CI_Item i WHERE SalesPromotionCode <> '' AND NOT EXISTS \
         (SELECT 1 FROM IM_Promotion p WHERE p.PromotionCode = i.SalesPromotionCode)",
    ),
    (
        "items sold below cost",
        "SELECT count(*) FROM CI_Item WHERE ItemType = '1' AND CAST(StandardUnitPrice AS REAL) <= CAST(StandardUnitCost AS REAL)",
    ),
    (
        "descriptions of nothing",
        "SELECT count(*) FROM CI_ExtendedDescription e WHERE NOT EXISTS \
         (SELECT 1 FROM CI_Item i WHERE i.ExtendedDescriptionKey = e.ExtendedDescriptionKey)",
    ),
    (
        "stock of no item",
        "SELECT count(*) FROM IM_ItemWarehouse w WHERE NOT EXISTS (SELECT 1 FROM CI_Item i WHERE i.ItemCode = w.ItemCode)",
    ),
    (
        "receipts for invoices that are not open",
        "SELECT count(*) FROM AR_CashReceiptsDetail d WHERE NOT EXISTS (SELECT 1 FROM AR_OpenInvoice o \
         WHERE d.ARDivisionNo = o.ARDivisionNo AND d.CustomerNo = o.CustomerNo AND d.InvoiceNo = o.InvoiceNo AND d.InvoiceType = o.InvoiceType)",
    ),
    (
        "contacts that customers name and lack",
        "SELECT count(*) FROM AR_Customer c WHERE ContactCode <> '' AND NOT EXISTS (SELECT 1 FROM AR_CustomerContact k \
         WHERE c.ARDivisionNo = k.ARDivisionNo AND c.CustomerNo = k.CustomerNo AND k.ContactCode = c.ContactCode)",
    ),
];

#[test]
fn the_books_add_up_after_a_week() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("abc.db");
    create(&path, &Plan::new(Profile::Demo)).unwrap();
    let mut company = Company::open(&path, system_clock()).unwrap();
    // Customers who owe and who have ordered are merged, too.
    for seed in 1..=8 {
        for script in [
            "price-load",
            "promotion",
            "stock-batch",
            "credit-matching",
            "period-end",
            "maintain",
            "delete-items",
            "renumber-customer",
            "merge-customer",
        ] {
            let wanted = match script {
                "delete-items" => Some(1),
                "credit-matching" => Some(3),
                _ => None,
            };
            let options = Options {
                count: wanted,
                ..Options::new(seed)
            };
            play(&mut company, script, &options).unwrap_or_else(|e| panic!("{script} {seed}: {e}"));
            for (what, sql) in BOOKS {
                assert_eq!(count(&company, sql), 0, "{script} {seed}: {what}");
            }
        }
    }
    play(&mut company, "day-end", &Options::new(1)).unwrap();
    for (what, sql) in BOOKS {
        assert_eq!(count(&company, sql), 0, "day-end: {what}");
    }
}
