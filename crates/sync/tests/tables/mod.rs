//! Tables in memory behind the reader's port.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use arrow_array::{ArrayRef, RecordBatch, RecordBatchOptions};
use arrow_schema::{Field, Schema};
use catalog::{Catalog, Dataset};
use sage::{
    Cell, ColumnDecoder, ColumnInfo, Comparison, Literal, Page, Probe, ReadError, ReadErrorCode, Reader,
    Select,
};
use sync::{Adaptation, DocumentPage, Fitted, JoinCache, PageRequest, Remembered, Shape, read_documents};

pub(crate) const LIMIT: Duration = Duration::from_secs(5);

/// A dataset of the catalog with these columns alone, its keys among them; no joins.
pub(crate) fn dataset(name: &str, columns: &[&str]) -> Dataset {
    let mut dataset = Catalog::standard().unwrap().get(name).unwrap().clone();
    let key = dataset.key.clone();
    let stays = |column: &String, key: &[String]| key.contains(column) || columns.contains(&column.as_str());
    dataset
        .fields
        .retain(|f| f.is_udf() || (f.join.is_none() && stays(&f.column, &key)));
    dataset.joins.clear();
    for child in &mut dataset.children {
        let key = child.key.clone();
        child.fields.retain(|f| f.is_udf() || stays(&f.column, &key));
    }
    dataset
}

pub(crate) fn row(cells: &[(&'static str, &str)]) -> Row {
    cells
        .iter()
        .map(|(name, value)| (*name, (*value).to_owned()))
        .collect()
}

pub(crate) fn fit_with(reader: &mut Tables, dataset: &Dataset, adaptation: &Adaptation) -> Fitted {
    Shape::fit(dataset, adaptation, "ABC", &Remembered::new(), |table| {
        reader.columns(table)
    })
    .unwrap()
}

pub(crate) type Row = BTreeMap<&'static str, String>;
pub(crate) type Rows = BTreeMap<&'static str, Vec<Row>>;
pub(crate) type Happening = Box<dyn FnMut(usize, &mut Rows)>;

/// Tables in memory, sorted by key, and what happens to them before the n-th statement.
pub(crate) struct Tables {
    pub(crate) rows: Rows,
    pub(crate) statements: usize,
    pub(crate) before: Happening,
    /// What was asked, table by table.
    pub(crate) asked: Vec<Select>,
    /// Types and widths of columns, where they are not VARCHAR without a width.
    pub(crate) declared: BTreeMap<&'static str, (&'static str, usize)>,
}

impl Tables {
    pub(crate) fn new(rows: Rows) -> Self {
        Self {
            rows,
            statements: 0,
            before: Box::new(|_, _| {}),
            asked: Vec::new(),
            declared: BTreeMap::new(),
        }
    }
}

impl Reader for Tables {
    fn probe(&mut self) -> Result<Probe, ReadError> {
        Err(ReadError::new(ReadErrorCode::DriverError, "not asked for here"))
    }

    fn tables(&mut self) -> Result<Vec<String>, ReadError> {
        Err(ReadError::new(ReadErrorCode::DriverError, "not asked for here"))
    }

    fn columns(&mut self, table: &str) -> Result<Vec<ColumnInfo>, ReadError> {
        let names = self
            .rows
            .get(table)
            .and_then(|rows| rows.first())
            .into_iter()
            .flat_map(BTreeMap::keys);
        Ok(names
            .map(|name| {
                let (type_name, width) = self.declared.get(name).copied().unwrap_or(("VARCHAR", 0));
                ColumnInfo {
                    name: (*name).to_owned(),
                    type_name: type_name.into(),
                    width,
                    scale: 0,
                }
            })
            .collect())
    }

    fn read(&mut self, select: &Select, max_rows: usize, _: Duration) -> Result<Page, ReadError> {
        self.statements += 1;
        self.asked.push(select.clone());
        (self.before)(self.statements, &mut self.rows);
        let matches = |row: &&Row| {
            select.conditions.iter().all(|condition| {
                let literal = match &condition.literal {
                    Literal::Text(text) => text.clone(),
                    Literal::Date(date) => date.to_string(),
                };
                let order = row[condition.column.as_str()].cmp(&literal);
                match condition.comparison {
                    Comparison::Equal => order == Ordering::Equal,
                    Comparison::Greater => order == Ordering::Greater,
                    Comparison::AtLeast => order != Ordering::Less,
                    Comparison::AtMost => order != Ordering::Greater,
                }
            })
        };
        let none = Vec::new();
        let table = self.rows.get(select.table.as_str()).unwrap_or(&none);
        let mut found: Vec<&Row> = table.iter().filter(matches).collect();
        found.sort_by_key(|row| {
            select
                .order_by
                .iter()
                .map(|c| row[c.as_str()].clone())
                .collect::<Vec<_>>()
        });
        let end = found.len() <= max_rows;
        found.truncate(max_rows);
        let mut columns: Vec<ArrayRef> = Vec::new();
        let mut fields = Vec::new();
        for column in &select.columns {
            let mut decoder = ColumnDecoder::new(column);
            found
                .iter()
                .for_each(|row| decoder.push(Cell::Text(&row[column.name.as_str()])));
            fields.push(Field::new(
                &column.name,
                ColumnDecoder::data_type(column.kind),
                true,
            ));
            columns.push(decoder.finish().unwrap().0);
        }
        let options = RecordBatchOptions::new().with_row_count(Some(found.len()));
        let schema = Arc::new(Schema::new(fields));
        let rows = RecordBatch::try_new_with_options(schema, columns, &options).unwrap();
        Ok(Page {
            rows,
            end,
            findings: Vec::new(),
        })
    }
}

pub(crate) fn first_page(reader: &mut Tables, shape: &Shape) -> DocumentPage {
    let request = PageRequest {
        limit: 100,
        ..PageRequest::default()
    };
    let page = read_documents(reader, shape, &request, &mut JoinCache::default(), LIMIT).unwrap();
    shape.dataset.check(&page.batch).unwrap();
    page
}
