//! What `[company.imports]` names, against the live company.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use import::planning::CodeList;
use sage::{Column, ColumnInfo, Comparison, Literal, ReadError, Reader, Select, Where};
use values::Kind;

use super::report::{ImportsReport, Problem};
use crate::config::{Company, Named, Noun};
use crate::imports::{code_key, rows::rows_of};

const TIME_LIMIT: Duration = Duration::from_secs(60);
/// Codes of a list that are named when one of them was meant.
const NAMED: usize = 12;

/// Looks everything up that the section names. `path` is the file, for places.
pub(super) fn check(
    reader: &mut dyn Reader,
    company: &Company,
    path: &Path,
) -> Result<ImportsReport, ReadError> {
    let text = host::config::read_text(path).ok();
    let mut lists = Lists {
        reader,
        columns: BTreeMap::new(),
    };
    let mut report = ImportsReport::default();
    for named in company.imports.named(text.as_deref()) {
        match lists.find(&named)? {
            Found::Yes => report.found = report.found.saturating_add(1),
            Found::NotAsked(why) => report
                .not_checked
                .push(format!("{} {:?}: {why}", named.place, named.name)),
            Found::No {
                code,
                problem,
                remedy,
            } => report.missing.push(Problem {
                code: code.to_owned(),
                message: format!("{}: {problem}", place(path, &named)),
                remedy,
            }),
        }
    }
    if company.writer.is_some() && company.imports.settings.customers.create {
        lists.new_customers(company, &mut report)?;
    }
    Ok(report)
}

enum Found {
    Yes,
    /// The site keeps no such list.
    NotAsked(String),
    No {
        code: &'static str,
        problem: String,
        remedy: String,
    },
}

fn place(path: &Path, named: &Named) -> String {
    let line = named.line.map_or(String::new(), |line| format!("{line}:"));
    format!("{}:{line} {}", path.display(), named.place)
}

struct Lists<'a> {
    reader: &'a mut dyn Reader,
    columns: BTreeMap<String, Vec<ColumnInfo>>,
}

impl Lists<'_> {
    /// What new customers get where the section does not say.
    fn new_customers(&mut self, company: &Company, report: &mut ImportsReport) -> Result<(), ReadError> {
        for key in company.imports.unwritten_customer_keys() {
            if key == "terms_code" {
                report.remarks.push(Problem {
                    code: "terms_not_set".to_owned(),
                    message: "new customers get no terms code of ours: what Sage gives them by itself holds, and orders of a customer without terms are refused by Sage".to_owned(),
                    remedy: "write defaults = { terms_code = \"…\" } in [company.imports.customers], or create = false".to_owned(),
                });
                continue;
            }
            if key == "tax_schedule" {
                report.remarks.push(Problem {
                    code: "tax_not_set".to_owned(),
                    message: "new customers get no tax schedule of ours: where Sage gives them none by itself, their first order is entered without tax and their later ones are held (tax_schedule_missing)".to_owned(),
                    remedy: "write defaults = { tax_schedule = \"…\" } in [company.imports.customers], or create = false".to_owned(),
                });
                continue;
            }
            let division = company.imports.settings.customers.ar_division_no.as_str();
            let (table, codes) = code_key(CodeList::Division, division);
            let task = place_in_sage(CodeList::Division);
            if let Found::No {
                code,
                problem,
                remedy,
            } = self.row("division", division, table, &codes, task)?
            {
                report.remarks.push(Problem {
                    code: code.to_owned(),
                    message: format!("customers.ar_division_no is not set: new customers would go into division {division}, and {problem}"),
                    remedy: format!("{remedy}; or create = false in [company.imports.customers]"),
                });
            }
        }
        Ok(())
    }

    fn find(&mut self, named: &Named) -> Result<Found, ReadError> {
        let name = named.name.as_str();
        match &named.noun {
            Noun::Code(list) => {
                let (table, key) = code_key(*list, name);
                self.row(noun_of(*list), name, table, &key, place_in_sage(*list))
            }
            Noun::PaymentType => {
                let key = [("PaymentType", name)];
                self.row(
                    "payment type",
                    name,
                    "AR_PaymentType",
                    &key,
                    "Payment Type Maintenance",
                )
            }
            Noun::Account => {
                let key = [("AccountKey", name)];
                self.row("account key", name, "GL_Account", &key, "")
            }
            Noun::Charge => {
                let key = [("ItemCode", name)];
                self.row("charge", name, "CI_Item", &key, "Miscellaneous Item Maintenance")
            }
            Noun::Item => {
                let key = [("ItemCode", name)];
                self.row("item", name, "CI_Item", &key, "Item Maintenance")
            }
            Noun::Customer { division } => {
                let key = [("ARDivisionNo", division.as_str()), ("CustomerNo", name)];
                let noun = format!("customer {division}-");
                self.row(&noun, name, "AR_Customer", &key, "Customer Maintenance")
            }
            Noun::Column(table) => self.column(table, name),
            Noun::Folder => Ok(folder(name)),
        }
    }

    fn columns(&mut self, table: &str) -> Result<&[ColumnInfo], ReadError> {
        if !self.columns.contains_key(table) {
            let columns = self.reader.columns(table)?;
            self.columns.insert(table.to_owned(), columns);
        }
        Ok(self.columns.get(table).map_or(&[], Vec::as_slice))
    }

    fn column(&mut self, table: &str, name: &str) -> Result<Found, ReadError> {
        let columns = self.columns(table)?;
        if columns.iter().any(|c| c.name.eq_ignore_ascii_case(name)) {
            return Ok(Found::Yes);
        }
        if columns.is_empty() {
            return Ok(Found::NotAsked(format!("{table} cannot be read")));
        }
        let own = columns.iter().map(|c| c.name.as_str());
        let is_own = name.starts_with("UDF_");
        let own: Vec<&str> = own
            .filter(|c| c.starts_with("UDF_") == is_own)
            .take(NAMED)
            .collect();
        let one = if own.is_empty() {
            String::new()
        } else {
            format!("use one of {}, or ", own.join(", "))
        };
        Ok(Found::No {
            code: "column_unknown",
            problem: format!("{table} has no column {name}"),
            remedy: if is_own {
                format!("{one}add the field in Sage's Custom Office")
            } else {
                one.trim_end_matches(", or ").to_owned()
            },
        })
    }

    fn row(
        &mut self,
        noun: &str,
        name: &str,
        table: &str,
        key: &[(&str, &str)],
        task: &str,
    ) -> Result<Found, ReadError> {
        let columns = self.columns(table)?;
        let has = |name: &str| columns.iter().any(|c| c.name == name);
        if !key.iter().all(|(column, _)| has(column)) {
            return Ok(Found::NotAsked(format!("{table} cannot be read")));
        }
        if !self.some(table, key, true, 1)?.is_empty() {
            return Ok(Found::Yes);
        }
        let others = self.some(table, key, false, NAMED)?;
        if others.is_empty() {
            return Ok(Found::NotAsked(format!("{table} is empty")));
        }
        let add = if task.is_empty() {
            String::new()
        } else {
            format!(", or add it in Sage's {task}")
        };
        let remedy = if others.len() < NAMED {
            format!("use one of {}{add}", others.join(", "))
        } else {
            format!("correct it{add}")
        };
        let space = if noun.ends_with('-') { "" } else { " " };
        Ok(Found::No {
            code: "code_unknown",
            problem: format!("Sage has no {noun}{space}{name}"),
            remedy,
        })
    }

    /// Keys of rows, those with exactly this key or any.
    fn some(
        &mut self,
        table: &str,
        key: &[(&str, &str)],
        exact: bool,
        most: usize,
    ) -> Result<Vec<String>, ReadError> {
        let condition = |(column, value): &(&str, &str)| Where {
            column: (*column).to_owned(),
            comparison: Comparison::Equal,
            literal: Literal::Text((*value).to_owned()),
        };
        let columns = key.iter().map(|(column, _)| Column::new(*column, Kind::Text));
        let select = Select {
            table: table.to_owned(),
            columns: columns.collect(),
            conditions: key.iter().filter(|_| exact).map(condition).collect(),
            order_by: Vec::new(),
        };
        let page = self.reader.read(&select, most, TIME_LIMIT)?;
        let rows = rows_of(&select, &page.rows)?;
        let code = |row: &import::Row| {
            let parts: Vec<&str> = key.iter().map(|(column, _)| row.text(column)).collect();
            parts.join(":")
        };
        Ok(rows.iter().map(code).collect())
    }
}

const fn noun_of(list: CodeList) -> &'static str {
    match list {
        CodeList::Warehouse => "warehouse",
        CodeList::Terms => "terms code",
        CodeList::ShipVia => "shipping code",
        CodeList::TaxSchedule => "tax schedule",
        CodeList::Reason => "cancel reason",
        CodeList::Bank => "bank code",
        CodeList::Division => "division",
        CodeList::Salesperson => "salesperson",
    }
}

/// The task of Sage in which a person adds such a code.
const fn place_in_sage(list: CodeList) -> &'static str {
    match list {
        CodeList::Warehouse => "Warehouse Code Maintenance",
        CodeList::Terms => "Terms Code Maintenance",
        CodeList::ShipVia => "Shipping Rate Maintenance",
        CodeList::TaxSchedule => "Sales Tax Schedule Maintenance",
        CodeList::Reason => "Cancel Reason Code Maintenance",
        CodeList::Bank => "Bank Code Maintenance",
        CodeList::Division => "Division Maintenance",
        CodeList::Salesperson => "Salesperson Maintenance",
    }
}

/// Is the folder there, and can a file be made in it?
fn folder(name: &str) -> Found {
    let no = |problem: String, remedy: &str| Found::No {
        code: "folder_unusable",
        problem,
        remedy: remedy.to_owned(),
    };
    let path = Path::new(name);
    if !path.is_dir() {
        return no(
            format!("there is no folder {name}"),
            "make the folder, or correct it",
        );
    }
    let probe = path.join(format!(".erp-driver-check-{}", std::process::id()));
    let made = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(&probe);
    let tried = made.and_then(|file| {
        drop(file);
        std::fs::remove_file(&probe)
    });
    match tried {
        Ok(()) => Found::Yes,
        Err(error) => no(
            format!("no file can be made in {name}: {error}"),
            "let the driver's user write there",
        ),
    }
}
