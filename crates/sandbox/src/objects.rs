//! Simulated business objects with Sage's rules, seats, locks, prices and faults, behind the
//! port's [`sage::BusinessObjects`]:
//!
//! | object | module | program of | locks stand under |
//! |---|---|---|---|
//! | `SO_SalesOrder_bus` | `S/O` | `SO_SalesOrder_ui` | `SO_SalesOrderHeader` |
//! | `AR_Customer_bus` | `A/R` | `AR_Customer_ui` | `AR_Customer` |
//! | `SO_ShipToAddress_bus` | `S/O` | `SO_ShipToAddress_ui` | `SO_ShipToAddress` |
//! | `AR_CashReceiptsDeposit_bus` | `A/R` | `AR_CashReceipts_ui` | `AR_CashReceiptsDeposit` |
//! | `AR_CashReceipts_bus` | `A/R` | `AR_CashReceipts_ui` | `AR_CashReceiptsHeader` |
//!
//! [`Engine`] works in the caller's process. [`Client`] talks to a server process of its
//! own ([`serve`], started as `sage-sandbox objects FILE`) that outlives a killed client
//! and may commit late, as Sage's COM server does.
//!
//! # Sessions
//! A session logs on with the settings' `sage_user` and `sage_password` (unset:
//! [`DEFAULT_USER`], [`DEFAULT_PASSWORD`]), takes one of `Seats` (unset: as many as come)
//! and the company of `CompanyCode`. An object needs its module and its program. Stamps
//! carry the `UserKey` that `SY_User` has for the user, else the setting `user_key`, else
//! [`DEFAULT_USER_KEY`].
//!
//! # What tests and people can set, at any moment
//! | setting | effect |
//! |---|---|
//! | `Seats` | at most so many sessions; the next `nSetUser` is refused |
//! | `external_access` = `N` | `nSetCompany` is refused |
//! | `exclusive_task` = name | `nSetCompany` is refused: that task has the company for itself |
//! | `permission:TASK` = `N` | `nLookupTask` answers 0 |
//! | `permission:TASK:create`, `:modify`, `:remove` = `N` | `nSetKey` on a new or an existing record, or `nDelete`, answers 0 |
//! | `permission:price` = `N` | a line's `UnitPrice` is refused |
//! | `user_locked`, `password_expired` = `Y` | `nSetUser` is refused, the right password too |
//! | `closed` = words or `Y` | `nSetUser` is refused: Sage is shut down for maintenance |
//! | `period_end` = module | `nSetModule` of it is refused, and the header's `nWrite` of its objects |
//! | `closed_period` = `YYYY-MM` | a posting date, `OrderDate` or `DepositDate` in it is refused |
//! | `session_ms` | every `nSetUser` takes so long |
//! | `credit_hold_refuses` = `Y` | a customer on credit hold is refused (unset: -1, and the order is put on hold) |
//! | `credit_check` = `N` | no warning at the header's `nWrite` beyond the credit limit |
//! | `tax_service` = `down`, `slow:MS` | with the schedule `AVATAX` the `nWrite` of lines and header is refused, or slow |
//! | `subscription` = `lapsed` | the header's `nWrite` is refused |
//! | `lock:TABLE:KEY` = user | `nSetKey` answers 0, "in use by"; the parts of the key are joined with `-` (`lock:AR_Customer:01-ABF`), a blank batch is left out |
//! | `lock:AR_CashReceiptsBatch:NUMBER` = user | `nSelectBatch`, `nSetKey` and `nWrite` in it answer 0, and it is not posted |
//! | `CashReceiptsBatchEntry` = `N` | batch processing of receipts is off; written to `AR_Options` |
//! | `RequireDepositAmt` = `Y` | a deposit without an amount is refused; written to `AR_Options` |
//! | `receipts_may_be_unapplied` = `Y` | a receipt whose lines do not come to `AmountReceived` is taken |
//! | `auto_customer_no` = `N` | there is no next customer number |
//! | `zip_lookup` = `Y` | a customer's `ZipCode` and a ship-to's `ShipToZipCode` overwrite city and state, as `zip:CODE` = `City,ST` says, else as another customer has them |
//! | `default_warehouse` | header's warehouse (unset: `000`) |
//! | `tax_rate:SCHEDULE` | percent, before what the tax tables say |
//! | `DefaultPriceLevelByCust`, `PriceByTotalQuantity` = `Y` | price levels by customer, quantities that count together; before what `SO_Options` says |
//! | `RetainSalesOrderHistory`, `RetainDeletedOrders` = `N` | no history mirror, no trace of deleted orders; before what `SO_Options` says |
//! | `linger_ms` | how long the server process lives on after its client left (unset: 200) |
//! | `fault.session_open.delay_ms` | `nSetUser` takes longer |
//! | `fault.open.refuse` = message | `nSetUser` is refused with these words |
//! | `fault.number_taken` | `nSetKey` finds another user's record under the number that this session was just given; the argument is an order's customer (`01-ABF`), a customer's name, or a deposit's description |
//! | `fault.header_write.refuse` = message | the header's `nWrite` is refused with these words; the order stays under work |
//! | `fault.header_write.hang` | the header's `nWrite` never comes back and commits nothing |
//! | `fault.header_write.delay_ms` | the header's `nWrite` sleeps before its commit: the late commit, if the client dies meanwhile |
//! | `fault.header_write.crash_before_commit` | the server process ends before the commit |
//! | `fault.header_write.crash_after_commit` | the server process ends after the commit, without an answer |
//! | `fault.between_header_and_lines.crash`, `.delay_ms` | with `write_atomic` = `no`: the process ends, or sleeps, when the header is stored and its lines are not |
//! | `fault.partial_write` | the header is stored without its lines, and the answer is 1 |
//! | `fault.OBJECT.header_write.…`, `.number_taken`, `.partial_write` | the same, of one kind of object (`fault.AR_Customer_bus.header_write.refuse`) |
//!
//! A fault's value is its argument, and it strikes on every call; a fault without an
//! argument takes any value, say `always`. `once` or `once:ARGUMENT` strikes one time: the
//! setting is removed, in a transaction of its own, when it strikes. Faults of the header's
//! `nWrite` strike in the order of the table. In process there is nothing to end: there a
//! crash is a fault of the call, and the engine is poisoned.
//!
//! # Cash receipts
//! No call list and no layout of them is published: the names of objects and tables, the
//! levels (batch, deposit, receipt, line) and what is refused are guesses after the entry
//! screens. A batch is chosen on the deposit's and on the receipt's object; with batch
//! processing off, there is none. [`post_cash_receipts`] is the person who posts a batch.
//! Other unposted receipts do not lower the balance that a line may pay, and a deposit
//! need not agree with its receipts.
//!
//! # Choices where the facts are silent
//! After a write or a delete, all parts of a key are to be set anew. Of an existing customer
//! or ship-to address only the columns that were set are stored. A code is checked where
//! the company keeps any in the code's table.
//! Prices are kept per standard unit and multiplied by the unit's factor on a line in
//! another unit. The methods C and M work on the standard cost. An order discount that is
//! set as an amount has no rate. What else Sage might do is a switch:
//!
//! | setting | unset | else |
//! |---|---|---|
//! | `kit_prompt` | an item that asks whether to explode is refused | `explode`, `skip`, or `fault`: the dialog waits and the call never comes back |
//! | `tax_timing` | tax is known before the write | `after_write`: it reads 0 until then |
//! | `number_spent` | a number that was given out is spent | `returned`: an order that is dropped unwritten gives it back |
//! | `write_atomic` | one transaction | `no`: the header in one, lines and stock in another |
//! | `duplicate_po` | -1 | `refuse`, `accept` |
//! | `below_cost` | nothing is said | `warn` (-1), `refuse` |
//! | `zero_quantity` | refused at the line's `nWrite` | `accept` |
//! | `negative_quantity` | refused | `returns`: taken for items that may be returned |
//! | `negative_charges` | taken | `N`: refused |
//! | `special_items` | taken | `N`: refused |
//! | `price_total_by` | quantities of all lines count together, if any do | a column of the item (`ProductLine`, `Category1` …): those with the same |
//! | `ship_via` | must be on file | `free` |

mod batches;
mod client;
mod codes;
mod commit;
mod customer;
mod deposit;
mod document;
mod engine;
mod header;
mod input;
mod keyed;
mod kind;
mod kits;
mod line;
mod line_item;
mod numbers;
mod order;
mod periods;
mod post_batch;
mod posting;
mod posting_error;
mod price_lookup;
mod pricing;
mod process;
mod protocol;
mod receipt;
mod receipt_lines;
mod receipt_tables;
mod receipts;
pub(crate) mod record;
mod rules;
mod sales_order;
mod server;
mod session;
mod settings;
mod ship_to;
mod sold_to;
mod tax;
mod totals;
mod units;

pub(crate) use batches::is_free as batch_is_free;
pub use client::Client;
pub(crate) use commit::{committed_column, move_stock, wait_for_more};
pub use engine::Engine;
pub use post_batch::post_cash_receipts;
pub use posting::invoice_order;
pub(crate) use posting::post_order;
pub use posting_error::PostingError;
pub use price_lookup::{LineAsked, PriceAsked, PriceLookupError, unit_price};
pub(crate) use receipts::{lower_debt, post_batch, post_receipts};
pub use server::{Ending, ServerError, serve};
pub use session::{DEFAULT_PASSWORD, DEFAULT_USER, DEFAULT_USER_KEY};
