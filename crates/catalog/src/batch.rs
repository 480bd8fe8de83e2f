//! Documents in columns: one flat batch of parents, one flat batch per kind of child.

use std::sync::Arc;

use arrow_array::{
    Array, ArrayRef, Date32Array, Decimal64Array, RecordBatch, StringArray, UInt32Array,
    cast::AsArray,
    types::{Date32Type, Decimal64Type, UInt32Type},
};
use arrow_schema::{ArrowError, DataType, Schema, SchemaRef};
use values::{Canonical, Decimal, Hash, Key, Kind, date_from_days};

use crate::dataset::{Child, Dataset, Field};

/// First column of every child batch: the row of its parent in the parents' batch.
pub const PARENT_COLUMN: &str = "_parent";

/// Precision of decimal columns: what 64 bits hold.
const PRECISION: u8 = 18;

/// Whole documents. Child rows stand in the order of their parents, and inside one parent
/// in the byte order of their key; a document is never split over two batches.
#[derive(Clone, Debug, PartialEq)]
pub struct DocumentBatch {
    /// One row per document, columns as the dataset's fields.
    pub parents: RecordBatch,
    /// One batch per kind of child, in catalog order: [`PARENT_COLUMN`], then its fields.
    pub children: Vec<RecordBatch>,
}

/// A batch is not of the shape that its dataset says.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("batch of {dataset}: {problem}")]
pub struct ShapeError {
    /// The dataset.
    pub dataset: String,
    /// Which column, and what is wrong with it.
    pub problem: String,
}

/// One value of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value<'a> {
    /// Text, blank is empty.
    Text(&'a str),
    /// A decimal at the catalog's scale.
    Decimal(Decimal),
    /// A date, or none.
    Date(Option<values::Date>),
}

impl Dataset {
    /// The schema of the parents' batch.
    #[must_use]
    pub fn schema(&self) -> SchemaRef {
        Arc::new(Schema::new(
            self.fields.iter().map(arrow_field).collect::<Vec<_>>(),
        ))
    }

    /// Is the batch of this dataset's shape, with every child row under a parent and in order?
    ///
    /// # Errors
    /// [`ShapeError`] naming the column.
    pub fn check(&self, batch: &DocumentBatch) -> Result<(), ShapeError> {
        let fail = |problem: String| ShapeError {
            dataset: self.name.to_string(),
            problem,
        };
        if batch.parents.schema() != self.schema() {
            return Err(fail("columns differ from the catalog's".to_owned()));
        }
        if batch.children.len() != self.children.len() {
            return Err(fail(format!(
                "{} kinds of children, not {}",
                batch.children.len(),
                self.children.len()
            )));
        }
        for (child, rows) in self.children.iter().zip(&batch.children) {
            if rows.schema() != child.schema() {
                return Err(fail(format!("{}: columns differ from the catalog's", child.name)));
            }
            let parents = parent_rows(rows);
            let mut last = 0;
            for &parent in parents.values() {
                if parent < last || parent as usize >= batch.parents.num_rows() {
                    return Err(fail(format!(
                        "{}: a row without its parent, or out of order",
                        child.name
                    )));
                }
                last = parent;
            }
        }
        Ok(())
    }

    /// The key of each document. A site's own dataset holds keys in their encoded form.
    #[must_use]
    pub fn keys(&self, batch: &DocumentBatch) -> Vec<Key> {
        if self.user_defined {
            return stored_keys(&batch.parents);
        }
        keys_of(&batch.parents, &self.fields, &self.key_places(), 0)
    }

    /// The canonical hash of each document with its children.
    #[must_use]
    pub fn hashes(&self, batch: &DocumentBatch) -> Vec<Hash> {
        let parents = Columns::new(&batch.parents, &self.fields, 0);
        let children: Vec<_> = self
            .children
            .iter()
            .zip(&batch.children)
            .map(|(child, rows)| (Columns::new(rows, &child.fields, 1), parent_rows(rows)))
            .collect();
        let mut next_child = vec![0_usize; children.len()];
        let mut canonical = Canonical::new();
        (0..batch.parents.num_rows())
            .map(|row| {
                canonical.clear();
                parents.encode(row, &mut canonical);
                for (place, ((columns, of), next)) in children.iter().zip(&mut next_child).enumerate() {
                    while *next < of.len() && of.value(*next) as usize == row {
                        canonical.child(u8::try_from(place).unwrap_or(u8::MAX));
                        columns.encode(*next, &mut canonical);
                        *next += 1;
                    }
                }
                canonical.hash()
            })
            .collect()
    }

    /// The documents at these rows, in this order, with their children.
    ///
    /// # Errors
    /// When a row is outside the batch.
    pub fn take(&self, batch: &DocumentBatch, rows: &[u32]) -> Result<DocumentBatch, ArrowError> {
        let parents =
            arrow_select::take::take_record_batch(&batch.parents, &UInt32Array::from(rows.to_vec()))?;
        let mut children = Vec::with_capacity(batch.children.len());
        for child in &batch.children {
            let of = parent_rows(child).values();
            let mut wanted = Vec::new();
            let mut new_parents = Vec::new();
            for (new_row, &row) in (0_u32..).zip(rows) {
                let from = of.partition_point(|p| *p < row);
                let to = of.partition_point(|p| *p <= row);
                for place in from..to {
                    wanted.push(
                        u32::try_from(place).map_err(|e| ArrowError::InvalidArgumentError(e.to_string()))?,
                    );
                    new_parents.push(new_row);
                }
            }
            let taken = arrow_select::take::take_record_batch(child, &UInt32Array::from(wanted))?;
            let mut columns = taken.columns().to_vec();
            if let Some(first) = columns.first_mut() {
                *first = Arc::new(UInt32Array::from(new_parents));
            }
            children.push(RecordBatch::try_new(child.schema(), columns)?);
        }
        Ok(DocumentBatch { parents, children })
    }

    /// A batch without rows.
    #[must_use]
    pub fn empty_batch(&self) -> DocumentBatch {
        DocumentBatch {
            parents: RecordBatch::new_empty(self.schema()),
            children: self
                .children
                .iter()
                .map(|c| RecordBatch::new_empty(c.schema()))
                .collect(),
        }
    }
}

impl Child {
    /// The schema of this child's batch.
    #[must_use]
    pub fn schema(&self) -> SchemaRef {
        let mut fields = vec![arrow_schema::Field::new(PARENT_COLUMN, DataType::UInt32, false)];
        fields.extend(self.fields.iter().map(arrow_field));
        Arc::new(Schema::new(fields))
    }

    /// The own key of each row, without the parent's.
    #[must_use]
    pub fn keys(&self, rows: &RecordBatch) -> Vec<Key> {
        keys_of(rows, &self.fields, &self.key_places(), 1)
    }
}

impl DocumentBatch {
    /// The value of a parent's field, by its place in the dataset.
    #[must_use]
    pub fn parent_value(&self, field: usize, row: usize) -> Value<'_> {
        value_at(self.parents.column(field), row)
    }

    /// The value of a child row's field, by its place in the child.
    #[must_use]
    pub fn child_value(&self, child: usize, field: usize, row: usize) -> Value<'_> {
        value_at(self.children[child].column(field + 1), row)
    }

    /// The parent row of each row of a kind of child.
    #[must_use]
    pub fn parents_of(&self, child: usize) -> &UInt32Array {
        parent_rows(&self.children[child])
    }
}

/// The value in a typed column.
fn value_at(column: &ArrayRef, row: usize) -> Value<'_> {
    if let Some(text) = column.as_string_opt::<i32>() {
        Value::Text(text.value(row))
    } else if let Some(decimal) = column.as_primitive_opt::<Decimal64Type>() {
        Value::Decimal(Decimal::new(
            decimal.value(row),
            u8::try_from(decimal.scale()).unwrap_or(0),
        ))
    } else if let Some(date) = column.as_primitive_opt::<Date32Type>() {
        Value::Date(
            date.is_valid(row)
                .then(|| date_from_days(date.value(row)))
                .flatten(),
        )
    } else {
        Value::Text("")
    }
}

fn arrow_field(field: &Field) -> arrow_schema::Field {
    let (data_type, nullable) = match field.kind {
        Kind::Text | Kind::Json => (DataType::Utf8, false),
        Kind::Decimal { scale } => (
            DataType::Decimal64(PRECISION, i8::try_from(scale).unwrap_or(0)),
            false,
        ),
        Kind::Date => (DataType::Date32, true),
    };
    arrow_schema::Field::new(&field.name, data_type, nullable)
}

fn parent_rows(rows: &RecordBatch) -> &UInt32Array {
    rows.column(0).as_primitive::<UInt32Type>()
}

/// The first column holds keys that are encoded already.
fn stored_keys(rows: &RecordBatch) -> Vec<Key> {
    let texts = rows.column(0).as_string::<i32>();
    (0..rows.num_rows())
        .map(|row| Key::from_stored(texts.value(row).to_owned()))
        .collect()
}

fn keys_of(rows: &RecordBatch, fields: &[Field], places: &[usize], skip: usize) -> Vec<Key> {
    let columns = Columns::new(rows, fields, skip);
    (0..rows.num_rows())
        .map(|row| {
            let parts = places.iter().map(|&place| match &columns.columns[place] {
                Typed::Text(texts) => texts.value(row).to_owned(),
                Typed::Decimal(units, scale) => Decimal::new(units.value(row), *scale).to_string(),
                Typed::Date(days) => {
                    let date = days
                        .is_valid(row)
                        .then(|| date_from_days(days.value(row)))
                        .flatten();
                    date.map(|d| d.to_string()).unwrap_or_default()
                }
            });
            Key::from_parts(parts)
        })
        .collect()
}

enum Typed<'a> {
    Text(&'a StringArray),
    Decimal(&'a Decimal64Array, u8),
    Date(&'a Date32Array),
}

struct Columns<'a> {
    columns: Vec<Typed<'a>>,
}

impl<'a> Columns<'a> {
    fn new(rows: &'a RecordBatch, fields: &[Field], skip: usize) -> Self {
        let columns = fields
            .iter()
            .zip(rows.columns().iter().skip(skip))
            .map(|(field, column)| match field.kind {
                Kind::Text | Kind::Json => Typed::Text(column.as_string()),
                Kind::Decimal { scale } => Typed::Decimal(column.as_primitive(), scale),
                Kind::Date => Typed::Date(column.as_primitive()),
            })
            .collect();
        Self { columns }
    }

    fn encode(&self, row: usize, canonical: &mut Canonical) {
        for column in &self.columns {
            match column {
                Typed::Text(texts) => canonical.text(texts.value(row)),
                Typed::Decimal(units, _) => canonical.decimal(units.value(row)),
                Typed::Date(days) if days.is_valid(row) => canonical.date(days.value(row)),
                Typed::Date(_) => canonical.none(),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Catalog;

    fn orders(numbers: &[&str], lines: &[(u32, &str, i64)]) -> (Dataset, DocumentBatch) {
        let catalog = Catalog::standard().unwrap();
        let mut dataset = catalog.get("sales_orders").unwrap().clone();
        dataset
            .fields
            .retain(|f| ["SalesOrderNo", "OrderDate"].contains(&f.column.as_str()) || f.is_udf());
        dataset.children.truncate(1);
        dataset.children[0]
            .fields
            .retain(|f| ["LineKey", "QuantityOrdered"].contains(&f.column.as_str()) || f.is_udf());
        dataset.stamped = false;
        let parents = RecordBatch::try_new(
            dataset.schema(),
            vec![
                Arc::new(StringArray::from(numbers.to_vec())),
                Arc::new(Date32Array::from(vec![Some(20574); numbers.len()])),
                Arc::new(StringArray::from(vec![""; numbers.len()])),
            ],
        )
        .unwrap();
        let quantities = Decimal64Array::from_iter_values(lines.iter().map(|l| l.2));
        let rows = RecordBatch::try_new(
            dataset.children[0].schema(),
            vec![
                Arc::new(UInt32Array::from_iter_values(lines.iter().map(|l| l.0))),
                Arc::new(StringArray::from_iter_values(lines.iter().map(|l| l.1))),
                Arc::new(quantities.with_precision_and_scale(PRECISION, 6).unwrap()),
                Arc::new(StringArray::from(vec![""; lines.len()])),
            ],
        )
        .unwrap();
        (
            dataset,
            DocumentBatch {
                parents,
                children: vec![rows],
            },
        )
    }

    #[test]
    fn taking_keeps_documents_whole_and_hashes_the_same() {
        let (dataset, batch) = orders(
            &["1", "2", "3"],
            &[(0, "a", 1), (1, "a", 2), (1, "b", 3), (2, "a", 4)],
        );
        dataset.check(&batch).unwrap();
        let hashes = dataset.hashes(&batch);
        let taken = dataset.take(&batch, &[2, 1]).unwrap();
        dataset.check(&taken).unwrap();
        assert_eq!(
            dataset.keys(&taken).iter().map(Key::as_str).collect::<Vec<_>>(),
            ["3", "2"]
        );
        assert_eq!(taken.parents_of(0).values().to_vec(), [0, 1, 1]);
        assert_eq!(dataset.hashes(&taken), [hashes[2], hashes[1]]);
    }

    #[test]
    fn a_lines_change_moves_the_documents_hash() {
        let (dataset, before) = orders(&["1", "2"], &[(0, "a", 1), (1, "a", 2)]);
        let (_, after) = orders(&["1", "2"], &[(0, "a", 1), (1, "a", 9)]);
        let (before, after) = (dataset.hashes(&before), dataset.hashes(&after));
        assert_eq!(before[0], after[0]);
        assert_ne!(before[1], after[1]);
    }

    #[test]
    fn a_row_without_its_parent_is_refused() {
        let (dataset, batch) = orders(&["1"], &[(0, "a", 1), (1, "a", 2)]);
        assert!(dataset.check(&batch).unwrap_err().to_string().contains("lines"));
    }

    fn wishes(keys: &[&str], values: &[&str]) -> (Dataset, DocumentBatch) {
        let dataset = Catalog::new(Vec::new())
            .resolve("udt_wishes")
            .unwrap()
            .into_owned();
        let columns: Vec<ArrayRef> = vec![
            Arc::new(StringArray::from(keys.to_vec())),
            Arc::new(StringArray::from(values.to_vec())),
        ];
        let parents = RecordBatch::try_new(dataset.schema(), columns).unwrap();
        let batch = DocumentBatch {
            parents,
            children: Vec::new(),
        };
        dataset.check(&batch).unwrap();
        (dataset, batch)
    }

    #[test]
    fn a_sites_own_dataset_holds_encoded_keys() {
        let (dataset, batch) = wishes(&["01:A~20B", "02:C"], &["", ""]);
        let keys = dataset.keys(&batch);
        assert_eq!(
            keys.iter().map(Key::as_str).collect::<Vec<_>>(),
            ["01:A~20B", "02:C"]
        );
        assert_eq!(keys[0].parts().unwrap(), ["01", "A B"]);
    }

    #[test]
    fn the_sites_own_values_move_the_hash() {
        let red = r#"{"public":{"UDF_COLOUR":"red"}}"#;
        let (dataset, batch) = wishes(&["a", "b", "a"], &[red, "", red]);
        let hashes = dataset.hashes(&batch);
        assert_eq!(hashes[0], hashes[2]);
        let (_, other) = wishes(&["a"], &[""]);
        assert_ne!(hashes[0], dataset.hashes(&other)[0]);
    }
}
