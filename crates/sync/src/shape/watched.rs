//! What of a dataset is watched for values that go missing.

use super::{FieldSource, Shape};

/// Ends the name under which a kind of child is watched.
pub(crate) const CHILD_MARK: &str = "[]";

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Watched {
    /// Values of a field from the dataset's own table.
    Own(usize),
    /// Values of a field from a joined table.
    Joined(usize),
    /// Documents with rows of this kind of child.
    Child(usize),
}

impl Shape {
    /// All that is watched, by name. Children of the company's one record are not: one
    /// record tells nothing.
    pub(crate) fn watched(&self) -> impl Iterator<Item = (String, Watched)> {
        let fields = self.dataset.fields.iter().zip(&self.own.fields).enumerate();
        let columns = fields.filter_map(|(place, (field, source))| match source {
            FieldSource::Column(_) => Some((field.column.clone(), Watched::Own(place))),
            FieldSource::Joined(join, _) => {
                let join = self.joins.get(*join)?.as_ref()?;
                let name = format!("{}.{}", join.table, field.column);
                Some((name, Watched::Joined(place)))
            }
            FieldSource::Blank | FieldSource::Site => None,
        });
        let children = self.dataset.children.iter().zip(&self.children).enumerate();
        let children = children
            .filter(|(_, (child, table))| table.is_some() && !child.parent_key.is_empty())
            .map(|(place, (child, _))| (format!("{}{CHILD_MARK}", child.name), Watched::Child(place)));
        columns.chain(children)
    }

    /// The same documents without nested rows: for reading what only the headers tell.
    pub(crate) fn headers_alone(&self) -> Self {
        let mut shape = self.clone();
        shape.children.iter_mut().for_each(|table| *table = None);
        shape
    }
}
