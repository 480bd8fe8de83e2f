//! The columns that a section may name, and the steps and expressions over them.
//!
//! Whether a site has a column of its own only the ERP can say: `config check` asks it. All
//! else is checked here, when the file is read.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use catalog::{Catalog, Class, Field};
use expression::{CompileError, Expression, Step, StepError, Steps, Type};
use values::Kind;

use super::mistake::Mistake;
use super::place::Place;

/// What steps call the value so far.
const VALUE: &str = "value";
/// What a site's own tables have in their names.
const USER_TABLE: &str = "_UDT_";
/// What a column that only the ERP knows may hold, in the order of trying.
const GUESSES: [Kind; 3] = [Kind::Text, Kind::Decimal { scale: 6 }, Kind::Date];
/// Tries of [`GUESSES`] for an expression: enough for five unknown columns.
const MAX_TRIES: usize = 243;

/// What the catalog says about all tables.
#[derive(Debug)]
pub(super) struct Tables {
    /// Lower case: ODBC drivers do not tell the case of names.
    withheld: BTreeSet<String>,
    /// Table, column → class; both lower case.
    classes: BTreeMap<String, BTreeMap<String, Class>>,
}

impl Tables {
    pub(super) fn of(catalog: &Catalog) -> Self {
        let mut tables = Self {
            withheld: BTreeSet::new(),
            classes: BTreeMap::new(),
        };
        for dataset in catalog.datasets() {
            tables.withhold(&dataset.withheld);
            for field in &dataset.fields {
                let join = field.join.and_then(|place| dataset.joins.get(place));
                tables.add(join.map_or(&dataset.table, |j| &j.table), field);
            }
            for child in &dataset.children {
                tables.withhold(&child.withheld);
                child
                    .fields
                    .iter()
                    .for_each(|field| tables.add(&child.table, field));
            }
        }
        tables
    }

    fn withhold(&mut self, columns: &[String]) {
        self.withheld
            .extend(columns.iter().map(|c| c.to_ascii_lowercase()));
    }

    fn add(&mut self, table: &str, field: &Field) {
        let columns = self.classes.entry(table.to_ascii_lowercase()).or_default();
        columns.insert(field.column.to_ascii_lowercase(), field.class);
    }

    /// A column that is withheld anywhere is asked for nowhere: tables repeat each other. One
    /// whose name tells of a secret is not asked for either, whatever table has it.
    fn withholds(&self, column: &str) -> bool {
        self.withheld.contains(&column.to_ascii_lowercase()) || catalog::looks_secret(column)
    }

    fn table(&self, table: &str) -> Option<&BTreeMap<String, Class>> {
        self.classes.get(&table.to_ascii_lowercase())
    }
}

/// Is this the name of a table of a site's own?
pub(crate) fn is_user_table(name: &str) -> bool {
    name.to_ascii_uppercase().contains(USER_TABLE)
}

/// Letters, digits and `_` make a name of the ERP.
pub(super) fn is_name(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= 64
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
        && !name.starts_with(|c: char| c.is_ascii_digit())
}

/// The columns of one dataset or kind of child.
#[derive(Clone, Copy, Debug)]
pub(super) struct Columns<'a> {
    pub(super) fields: &'a [Field],
    pub(super) tables: &'a Tables,
}

impl<'a> Columns<'a> {
    /// The catalog's field of this column.
    pub(super) fn field(&self, column: &str) -> Option<&'a Field> {
        let fields = self.fields.iter().filter(|f| !f.is_udf());
        let mut found = fields.filter(|f| f.column.eq_ignore_ascii_case(column));
        found.next()
    }

    /// May the configuration name this column?
    pub(super) fn check(&self, column: &str, place: &Place) -> Result<(), Mistake> {
        if !is_name(column) {
            return Err(Mistake::new(
                place,
                format!("{column:?} is no column's name"),
                "use the name in the ERP, as erp-driver config check lists it",
            ));
        }
        if self.tables.withholds(column) {
            return Err(withheld(column, place));
        }
        Ok(())
    }

    /// An expression that says which rows are kept.
    pub(super) fn condition(&self, text: &str, place: &Place) -> Result<(), Mistake> {
        let expression = self.expression(text, place)?;
        if expression.kind() == Type::Bool {
            return Ok(());
        }
        Err(Mistake::new(
            place,
            format!("it gives {}, not true or false", expression.kind()),
            "compare with something, as in ItemType = '1'",
        ))
    }

    pub(super) fn expression(&self, text: &str, place: &Place) -> Result<Expression, Mistake> {
        self.guess(
            place,
            |kinds| Expression::compile(text, kinds),
            |error: &CompileError| (0, error.at),
        )
        .map_err(|refused| match refused {
            Refused::Withheld(mistake) => mistake,
            Refused::Error(error) => Mistake::new(place, error.to_string(), error.remedy()),
        })
    }

    /// Steps of a value of class `class`; without an input's kind any is possible.
    pub(super) fn steps(
        &self,
        steps: &[Step],
        input: Option<Kind>,
        class: Class,
        place: &Place,
    ) -> Result<Kind, Mistake> {
        let inputs = input.map_or(GUESSES.to_vec(), |kind| vec![kind]);
        let mut first = None;
        for input in inputs {
            let compiled = self.guess(
                place,
                |kinds| Steps::compile(steps, input, kinds),
                |error: &StepError| (error.step, error.expression.as_ref().map_or(0, |e| e.at)),
            );
            match compiled {
                Ok(compiled) => {
                    self.look_ups(&compiled, place)?;
                    self.classes(&compiled, class, place)?;
                    return Ok(compiled.kind());
                }
                Err(Refused::Withheld(mistake)) => return Err(mistake),
                Err(Refused::Error(error)) => {
                    first.get_or_insert(error);
                }
            }
        }
        let Some(error) = first else {
            return Err(Mistake::new(place, "no steps", "write at least one step"));
        };
        let place = place.index(error.step);
        Err(Mistake::new(&place, error.message.clone(), error.remedy()))
    }

    /// Other tables are read whole rows at a time: only those that the catalog vouches for.
    fn look_ups(&self, steps: &Steps, place: &Place) -> Result<(), Mistake> {
        for look_up in steps.look_ups() {
            let table = &look_up.table;
            if !is_name(table) || (self.tables.table(table).is_none() && !is_user_table(table)) {
                return Err(Mistake::new(
                    place,
                    format!("{table:?} is neither a table of a dataset nor a user-defined one"),
                    "look up in a table that docs/data.md names, or in one with _UDT_ in its name",
                ));
            }
            self.check(&look_up.column, place)?;
            look_up
                .on
                .values()
                .try_for_each(|theirs| self.check(theirs, place))?;
        }
        Ok(())
    }

    /// What not everybody may see must not get into a field that more people may see.
    fn classes(&self, steps: &Steps, class: Class, place: &Place) -> Result<(), Mistake> {
        let own = steps.columns().iter().filter(|c| !c.eq_ignore_ascii_case(VALUE));
        let own = own
            .filter_map(|c| self.field(c))
            .map(|f| (f.column.as_str(), f.class));
        let looked_up = steps.look_ups().iter().filter_map(|look_up| {
            let columns = self.tables.table(&look_up.table)?;
            let class = columns.get(&look_up.column.to_ascii_lowercase())?;
            Some((look_up.column.as_str(), *class))
        });
        for (column, theirs) in own.chain(looked_up) {
            if theirs != Class::Public && theirs != class {
                return Err(Mistake::new(
                    place,
                    format!(
                        "{column} is of class {}, and the value is of class {}",
                        theirs.as_str(),
                        class.as_str()
                    ),
                    format!("make a new value under udf with class = \"{}\"", theirs.as_str()),
                ));
            }
        }
        Ok(())
    }

    /// Compiles with what the catalog knows, and tries for the other columns what they may
    /// hold. The error is that of the try that got furthest.
    fn guess<T, E>(
        &self,
        place: &Place,
        compile: impl Fn(&dyn Fn(&str) -> Option<Kind>) -> Result<T, E>,
        at: impl Fn(&E) -> (usize, usize),
    ) -> Result<T, Refused<E>> {
        let unknown: RefCell<BTreeMap<String, usize>> = RefCell::default();
        let secret: RefCell<Option<String>> = RefCell::default();
        let kinds = |name: &str| -> Option<Kind> {
            if self.tables.withholds(name) {
                secret.borrow_mut().get_or_insert_with(|| name.to_owned());
                return None;
            }
            if let Some(field) = self.field(name) {
                return Some(field.kind);
            }
            if name.eq_ignore_ascii_case(VALUE) || !is_name(name) {
                return None;
            }
            let mut unknown = unknown.borrow_mut();
            let guess = unknown.entry(name.to_ascii_lowercase()).or_default();
            GUESSES.get(*guess).copied()
        };
        let mut furthest: Option<E> = None;
        for _ in 0..MAX_TRIES {
            match compile(&kinds) {
                Ok(compiled) => return Ok(compiled),
                Err(error) => {
                    if let Some(column) = secret.borrow_mut().take() {
                        return Err(Refused::Withheld(withheld(&column, place)));
                    }
                    if furthest.as_ref().is_none_or(|f| at(f) < at(&error)) {
                        furthest = Some(error);
                    }
                }
            }
            if !advance(&mut unknown.borrow_mut()) {
                break;
            }
        }
        furthest.map_or_else(
            || {
                Err(Refused::Withheld(Mistake::new(
                    place,
                    "it cannot be read",
                    "correct it",
                )))
            },
            |error| Err(Refused::Error(error)),
        )
    }
}

enum Refused<E> {
    Withheld(Mistake),
    Error(E),
}

/// The next assignment of guesses, as an odometer turns; false after the last.
fn advance(unknown: &mut BTreeMap<String, usize>) -> bool {
    for guess in unknown.values_mut() {
        *guess += 1;
        if *guess < GUESSES.len() {
            return true;
        }
        *guess = 0;
    }
    false
}

fn withheld(column: &str, place: &Place) -> Mistake {
    let remedy = if catalog::looks_secret(column) {
        format!(
            "take {column} out: its name says that it holds a password, a card or an account number; \
             one that holds none needs another name in the ERP"
        )
    } else {
        format!("take {column} out: it holds secrets such as card data")
    };
    Mistake::new(place, format!("column {column} never leaves the ERP"), remedy)
}
