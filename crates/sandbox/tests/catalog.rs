//! The columns by which the catalog ties tables together are in the sandbox's schema.

use catalog::Catalog;
use sandbox::schema;

#[test]
fn keys_and_ties_of_every_dataset_are_in_the_schema() {
    let catalog = Catalog::standard().unwrap();
    let mut wanted: Vec<(&str, &str, &str)> = Vec::new();
    for dataset in catalog.datasets() {
        let (name, table) = (dataset.name.as_str(), dataset.table.as_str());
        let leaves = dataset.leaves_when.iter().map(|l| &l.column);
        let own = dataset
            .key
            .iter()
            .chain(&dataset.withheld)
            .chain(&dataset.own_company)
            .chain(&dataset.dated)
            .chain(leaves)
            .chain(dataset.joins.iter().flat_map(|j| &j.on).map(|on| &on.own))
            .chain(dataset.successors.iter().flat_map(|s| &s.on).map(|on| &on.own));
        wanted.extend(own.map(|column| (name, table, column.as_str())));
        if dataset.stamped {
            wanted.push((name, table, catalog::STAMP_DATE));
            wanted.push((name, table, catalog::STAMP_TIME));
        }
        for child in &dataset.children {
            let columns = child.parent_key.iter().chain(&child.key).chain(&child.withheld);
            wanted.extend(columns.map(|column| (name, child.table.as_str(), column.as_str())));
        }
        for join in &dataset.joins {
            let columns = join.on.iter().map(|on| on.theirs.as_str());
            wanted.extend(columns.map(|column| (name, join.table.as_str(), column)));
        }
        for successor in &dataset.successors {
            let unless = successor.unless.iter().map(|u| &u.column);
            let columns = successor.on.iter().map(|on| &on.theirs).chain(unless);
            wanted.extend(columns.map(|column| (name, successor.table.as_str(), column.as_str())));
        }
    }
    assert!(wanted.len() > 150, "{} columns", wanted.len());
    let missing: Vec<_> = wanted
        .into_iter()
        .filter(|(name, table, column)| {
            let known = schema::table(table).unwrap_or_else(|| panic!("{name}: no table {table}"));
            !known.has(column)
        })
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
}
