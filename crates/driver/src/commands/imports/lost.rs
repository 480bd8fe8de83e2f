//! `erp-driver imports lost`: orders that were written and that Sage does not have any more.

use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use agent_store::journal::Listed;
use clap::Args;
use jiff::tz::TimeZone;
use sage::{Column, Comparison, Literal, ReadError, Reader, Select, Where};
use serde::Serialize;
use values::Kind;

use super::{Failed, company_of, look, number_of, read_config};
use crate::bridge::ReadBridge;
use crate::config::Config;
use crate::reading::SetupError;
use crate::times::read_for_people;

/// Where an order stands that Sage has: open, or kept in the history.
const TABLES: [&str; 2] = ["SO_SalesOrderHeader", "SO_SalesOrderHistoryHeader"];
const NUMBER: &str = "SalesOrderNo";
/// One row is read by its key.
const TIME_LIMIT: Duration = Duration::from_secs(60);

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The company.
    #[arg(long, value_name = "ID")]
    company: String,
    /// The sales order number that Sage was to give out next when it was restored; without it
    /// the one that froze the imports.
    #[arg(long, value_name = "NUMBER")]
    from: Option<String>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Serialize)]
struct Answer {
    company: String,
    /// Orders under this number and higher ones were looked for; null when nothing was: Sage
    /// was never found restored.
    from: Option<String>,
    /// By number.
    imports: Vec<Row>,
}

#[derive(Debug, Serialize)]
struct Row {
    id: String,
    sales_order_no: String,
    received_at: String,
}

impl Arguments {
    pub(super) fn run(self, path: &Path) -> Result<ExitCode, Failed> {
        let config = read_config(path)?;
        let id = company_of(&config, &self.company)?;
        let mut answer = Answer {
            company: id.to_string(),
            from: self.from,
            imports: Vec::new(),
        };
        if let Some(journal) = look(&config)? {
            if answer.from.is_none() {
                answer.from = journal.restored_at(&id)?;
            }
            if let Some(from) = &answer.from {
                let written = journal.written_from(&id, from)?;
                drop(journal);
                answer.imports = not_in_sage(&config, &self.company, written)?;
            }
        }
        if self.json {
            host::cli::print_json(&answer);
        } else {
            host::cli::print(&text(&answer, &config.time_zone));
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn not_in_sage(config: &Config, company: &str, written: Vec<Listed>) -> Result<Vec<Row>, Failed> {
    let Some(company) = config.company(company).filter(|_| !written.is_empty()) else {
        return Ok(Vec::new());
    };
    let fail = |error: ReadError| {
        Failed::new(
            error.code.as_str(),
            format!("{}: looking for orders: {error}", company.id),
            error.remedy(),
        )
    };
    let source = company.read_source().map_err(SetupError::from)?;
    let program = crate::bridge::default_program();
    let mut bridge = ReadBridge::start(&program, &source).map_err(SetupError::from)?;
    bridge.probe().map_err(fail)?;
    let mut tables = Vec::new();
    for table in TABLES {
        if !bridge.columns(table).map_err(fail)?.is_empty() {
            tables.push(table);
        }
    }
    let mut rows = Vec::new();
    for import in written {
        let number = number_of(&import.kind, import.state.as_str(), &import.numbers).to_owned();
        let mut is_there = false;
        for table in &tables {
            is_there = is_there || has_order(&mut bridge, table, &number).map_err(fail)?;
        }
        if !is_there {
            rows.push(Row {
                id: import.id.to_string(),
                sales_order_no: number,
                received_at: import.at.to_string(),
            });
        }
    }
    Ok(rows)
}

fn has_order(reader: &mut dyn Reader, table: &str, number: &str) -> Result<bool, ReadError> {
    let select = Select {
        table: table.to_owned(),
        columns: vec![Column::new(NUMBER, Kind::Text)],
        conditions: vec![Where {
            column: NUMBER.to_owned(),
            comparison: Comparison::Equal,
            literal: Literal::Text(number.to_owned()),
        }],
        order_by: Vec::new(),
    };
    Ok(reader.read(&select, 1, TIME_LIMIT)?.rows.num_rows() > 0)
}

fn text(answer: &Answer, zone: &TimeZone) -> String {
    let Some(from) = &answer.from else {
        return format!(
            "{}: Sage was never found restored; --from NUMBER looks for orders from that number on\n",
            answer.company
        );
    };
    if answer.imports.is_empty() {
        return format!(
            "{}: every order written from {from} on is in Sage\n",
            answer.company
        );
    }
    let mut text = format!(
        "{}: {} orders written from {from} on are not in Sage any more\nnumber   received                    import\n",
        answer.company,
        answer.imports.len()
    );
    for import in &answer.imports {
        text.push_str(&format!(
            "{:<8} {:<27} {}\n",
            import.sales_order_no,
            read_for_people(zone, &import.received_at),
            import.id
        ));
    }
    text.push_str("hint: erp-driver imports show ID --json has what the web sent; enter each again in Sage, or post it again under a new idempotency key\n");
    text
}
