//! `docs/data.md`, from the catalog.

use std::fmt::Write as _;

use values::Kind;

use crate::dataset::{Catalog, Field, Temperament};

/// The reference of all datasets and fields, as Markdown.
#[must_use]
pub fn describe(catalog: &Catalog) -> String {
    let mut out = String::from(
        "# Data\n\nWhat is synced, field by field. This page is made from the files in `crates/catalog/datasets` \
         (`UPDATE_DOCS=1 cargo test -p catalog`).\n\nDecimals are strings at the scale given, dates `YYYY-MM-DD` or null, texts have no \
         trailing blanks and may be empty. Every record also carries `key`, `company`, `updated_at` and \
         `source_updated_at`.\n",
    );
    for dataset in catalog.datasets() {
        let read = match dataset.temperament {
            Temperament::Hot => "compared whole at every pass",
            Temperament::Master => "read by stamp",
            Temperament::History => "read at its end",
        };
        line(&mut out, &format!("\n## {}\n\n{}\n", dataset.name, dataset.doc));
        line(
            &mut out,
            &format!("From `{}`, key {}; {read}.", dataset.table, columns(&dataset.key)),
        );
        if let Some(guess) = &dataset.guess {
            line(&mut out, &format!("\n**Not certain:** {guess}."));
        }
        table(&mut out, &dataset.fields);
        for child in &dataset.children {
            line(
                &mut out,
                &format!("\n### {}.{}\n\n{}\n", dataset.name, child.name, child.doc),
            );
            line(
                &mut out,
                &format!("From `{}`, key {}.", child.table, columns(&child.key)),
            );
            table(&mut out, &child.fields);
        }
    }
    out
}

fn table(out: &mut String, fields: &[Field]) {
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
        line(
            out,
            &format!(
                "| `{}` | {} | {kind} | {} | {} |",
                field.name,
                field.column,
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
