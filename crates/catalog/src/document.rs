//! `docs/data.md`, from the catalog.

use std::fmt::Write as _;

use values::Kind;

use crate::dataset::{Catalog, Child, Dataset, Field, Temperament};
use crate::relation::{Join, JoinKey};

const OPENING: &str = "\
# Data

What is synced, field by field. This page is made from the files in `crates/catalog/datasets` \
(`UPDATE_DOCS=1 cargo test -p catalog`).

## How to read it

Decimals are strings at the scale given, dates `YYYY-MM-DD` or null, texts have no trailing blanks and may be \
empty. Every record also carries `key`, `company`, `updated_at` and `source_updated_at`. Widths are those of one \
release: a site's own may differ, and a column that a site lacks is blank and named among the findings.

**Classes.** Every field has one, and a token names those that it reads: `public` everybody with a token, \
`personal` telephone, e-mail and the like of persons, `cost` what the company pays, `credit` what customers owe and \
may owe. Secret columns (passwords, card and account numbers, references to them) never leave the ERP: no field \
can select one.

**The site's own columns** stand under `udf` of every record and nested row: those that the site's configuration \
asks for, and what it computes. Each has a class of its own. The site's own tables are datasets called `udt_…` with \
`record_key` and `udf`.

**Not certain** marks a layout that is not published. The columns listed are a guess; the table is looked at when the driver \
runs. A listed column that is not there is blank, and one that is not listed comes under `udf`, class `personal` \
unless the configuration says `public` (where secrets are likely it does not, and the entry says so). A site without the table does without the dataset, with a finding.

**How it is read.** *Hot*: small and changing without reliable stamps, so compared whole at every pass. *Master*: read by the \
stamp of the last change, with sweeps over the whole table for what moved no stamp; whole at every pass where the table has no \
stamp. *History*: read by its stamp as it grows, with a rare sweep inside the window of years that the site sets.

**How it leaves.** A record that is gone from the ERP is looked for once more by its key, and then becomes a tombstone \
in the change feed, with `deleted_at` and a reason: `moved` (it was found where such documents go), `settled` (it was \
settled when last read), `filtered` (the site's filter no longer lets it through) or `deleted` (nothing explains it). \
Too many without an explanation in a day stop the dataset until a person has looked. History never leaves: what the ERP \
no longer keeps stays in the hub for good, marked with `purged_at`.

**Joined** fields come from another table and are as of the time when the record was read. **Derived** fields are \
computed by the hub when a record is read; they move no `updated_at`.
";

/// The reference of all datasets and fields, as Markdown.
#[must_use]
pub fn describe(catalog: &Catalog) -> String {
    let mut out = String::from(OPENING);
    for dataset in catalog.datasets() {
        line(&mut out, &format!("\n## {}\n\n{}\n", dataset.name, dataset.doc));
        line(&mut out, &origin(dataset));
        if let Some(guess) = &dataset.guess {
            line(&mut out, &format!("\n**Not certain:** {guess}."));
        }
        table(&mut out, &dataset.fields, &dataset.joins);
        derived(&mut out, dataset);
        for child in &dataset.children {
            line(
                &mut out,
                &format!("\n### {}.{}\n\n{}\n", dataset.name, child.name, child.doc),
            );
            line(&mut out, &nested_origin(child));
            table(&mut out, &child.fields, &[]);
        }
    }
    out
}

/// Where a dataset comes from, how it is read and how it leaves.
fn origin(dataset: &Dataset) -> String {
    let read = match (dataset.temperament, dataset.stamped) {
        (Temperament::Hot, _) => "hot: compared whole at every pass",
        (Temperament::Master, true) => "master: read by stamp, with sweeps",
        (Temperament::Master, false) => "master: no stamp, read whole at every pass",
        (Temperament::History, _) => {
            "history: read by stamp, with rare sweeps; it stays, marked with `purged_at`"
        }
    };
    let mut text = format!("From `{}`, key {}; {read}.", dataset.table, columns(&dataset.key));
    let mut add = |sentence: String| {
        text.push(' ');
        text.push_str(&sentence);
    };
    if let Some(column) = &dataset.own_company {
        add(format!(
            "The table holds all companies; only the row is read whose `{column}` is the company's code."
        ));
    }
    if let Some(column) = &dataset.dated {
        add(format!("The site's window of years looks at `{column}`."));
    }
    for join in &dataset.joins {
        let missing = if join.optional {
            "; blank where the table is missing"
        } else {
            ""
        };
        add(format!(
            "Joined with `{}` on {}{missing}.",
            join.table,
            pairs(&join.on)
        ));
    }
    if let Some(state) = &dataset.leaves_when {
        add(format!(
            "It leaves as `settled` when `{}` was last read as {}.",
            state.column,
            state.values.join(" or ")
        ));
    }
    for successor in &dataset.successors {
        let unless = successor.unless.as_ref().map_or(String::new(), |u| {
            format!(", unless `{}` is {} there", u.column, u.values.join(" or "))
        });
        add(format!(
            "It leaves as `moved` when `{}` has it by {}{unless}.",
            successor.table,
            pairs(&successor.on)
        ));
    }
    text
}

fn nested_origin(child: &Child) -> String {
    let mut text = format!("Nested. From `{}`, key {}", child.table, columns(&child.key));
    text.push_str(&if child.parent_key.is_empty() {
        "; all rows belong to the one record.".to_owned()
    } else {
        format!(", found by {}.", columns(&child.parent_key))
    });
    if child.side {
        text.push_str(" Written apart from the document, so it may be newer or older than the rest.");
    }
    if child.optional {
        text.push_str(" Empty where the table is missing.");
    }
    text
}

fn derived(out: &mut String, dataset: &Dataset) {
    if dataset.derived.is_empty() {
        return;
    }
    line(out, "\n| derived field | class | |\n|---|---|---|");
    for field in &dataset.derived {
        line(
            out,
            &format!("| `{}` | {} | {} |", field.name, field.class.as_str(), field.doc),
        );
    }
}

fn pairs(on: &[JoinKey]) -> String {
    on.iter()
        .map(|pair| {
            if pair.own == pair.theirs {
                format!("`{}`", pair.own)
            } else {
                format!("`{}` = `{}`", pair.own, pair.theirs)
            }
        })
        .collect::<Vec<_>>()
        .join(", ")
}

fn table(out: &mut String, fields: &[Field], joins: &[Join]) {
    line(
        out,
        "\n| field | column | type | class | |\n|---|---|---|---|---|",
    );
    for field in fields {
        let kind = match (field.kind, field.width) {
            (Kind::Text, Some(width)) => format!("text, {width}"),
            (Kind::Text, None) => "long text".to_owned(),
            (Kind::Decimal { scale }, _) => format!("decimal, {scale} places"),
            (Kind::Date, _) => "date".to_owned(),
            (Kind::Json, _) => "object".to_owned(),
        };
        let doc = field.doc.as_deref().unwrap_or("");
        let filter = if field.indexed { " Filter." } else { "" };
        let text = format!("{doc}{filter}");
        let column = match field.join.and_then(|place| joins.get(place)) {
            Some(join) => format!("{}.{}", join.table, field.column),
            None => field.column.clone(),
        };
        line(
            out,
            &format!(
                "| `{}` | {column} | {kind} | {} | {} |",
                field.name,
                field.class.as_str(),
                text.trim()
            ),
        );
    }
}

fn columns(names: &[String]) -> String {
    names
        .iter()
        .map(|n| format!("`{n}`"))
        .collect::<Vec<_>>()
        .join(", ")
}

fn line(out: &mut String, text: &str) {
    // Writing to a String cannot fail.
    let written = writeln!(out, "{text}");
    debug_assert!(written.is_ok());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ties_a_dataset_to_others_is_told() {
        let text = describe(&Catalog::standard().unwrap());
        for part in [
            "when `SO_SalesOrderHistoryHeader` has it by `SalesOrderNo`, unless `OrderStatus` is A or Q there",
            "`settled` when `Balance` was last read as 0",
            "| `payable_amt` | credit |",
            "CI_ExtendedDescription.ExtendedDescriptionText",
            "Nested. From `SO_InvoiceTracking`, key `PackageNo`, found by `InvoiceNo`.",
            "all rows belong to the one record",
            "only the row is read whose `CompanyCode`",
            "window of years looks at `InvoiceDate`",
        ] {
            assert!(text.contains(part), "{part}");
        }
        assert!(!text.contains("EncryptedVals"));
    }

    #[test]
    fn the_document_in_the_tree_is_this_catalogs() {
        let here = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/data.md");
        let wanted = describe(&Catalog::standard().unwrap());
        if std::env::var_os("UPDATE_DOCS").is_some() {
            std::fs::write(&here, &wanted).unwrap();
        }
        let found = std::fs::read_to_string(&here).unwrap_or_default();
        assert!(
            found == wanted,
            "docs/data.md is not the catalog's: run UPDATE_DOCS=1 cargo test -p catalog"
        );
    }
}
