//! From a reader's columns to rows.

use arrow_array::cast::AsArray as _;
use arrow_array::types::{Date32Type, Decimal64Type};
use arrow_array::{Array as _, RecordBatch};
use import::{Field, Row};
use sage::{ReadError, ReadErrorCode, Select};
use values::{Decimal, Kind, date_from_days};

/// The page's rows by Sage column.
pub(crate) fn rows_of(select: &Select, page: &RecordBatch) -> Result<Vec<Row>, ReadError> {
    let mut rows = vec![Row::default(); page.num_rows()];
    for (place, column) in select.columns.iter().enumerate() {
        let wrong = || {
            ReadError::new(
                ReadErrorCode::DriverError,
                format!("{}.{} came back as another type", select.table, column.name),
            )
        };
        let array = page.columns().get(place).ok_or_else(wrong)?;
        for (number, row) in rows.iter_mut().enumerate() {
            let field = match column.kind {
                Kind::Text | Kind::Json => {
                    let texts = array.as_string_opt::<i32>().ok_or_else(wrong)?;
                    Field::Text(if texts.is_null(number) {
                        String::new()
                    } else {
                        texts.value(number).to_owned()
                    })
                }
                Kind::Decimal { scale } => {
                    let numbers = array.as_primitive_opt::<Decimal64Type>().ok_or_else(wrong)?;
                    let units = if numbers.is_null(number) {
                        0
                    } else {
                        numbers.value(number)
                    };
                    Field::Number(Decimal::new(units, scale))
                }
                Kind::Date => {
                    let dates = array.as_primitive_opt::<Date32Type>().ok_or_else(wrong)?;
                    Field::Date(if dates.is_null(number) {
                        None
                    } else {
                        date_from_days(dates.value(number))
                    })
                }
            };
            row.put(&column.name, field);
        }
    }
    Ok(rows)
}
